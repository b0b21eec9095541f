// What the subcommands that look after tenants work on: the database of a data folder, whether or
// not a server has it, straight in the file. A server looks once a second for what they changed; so
// they need no address, no credentials but the folder's own, and work while it is down.
#pragma once

#include <memory>
#include <string>

#include <absl/status/statusor.h>

#include "common/clock.h"
#include "server/sql/database.h"
#include "server/store/tenant_store.h"

namespace CLI {
class App;
}

namespace vico::server {

struct OpenedFolder {
  std::unique_ptr<Database> database;
  std::unique_ptr<TenantStore> tenants;
};

/// Makes folder and database where there are none, and brings them to the newest schema when no
/// server has them. kFailedPrecondition when one of another version has them.
absl::StatusOr<OpenedFolder> OpenFolder(const std::string& data, const Clock& clock);

/// `vico-server keys create|list|revoke`; the process's exit code goes to `exit_code` when one of
/// them ran.
void AddKeysCommand(CLI::App& app, int& exit_code);

/// `vico-server tenants create|list|delete`.
void AddTenantsCommand(CLI::App& app, int& exit_code);

}  // namespace vico::server
