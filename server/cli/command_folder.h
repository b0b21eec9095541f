// The tenants of a data folder, for subcommands that run on the folder itself, with or without a
// server. They need no address and no credentials but access to the folder. A running server
// notices their changes within a second.
#pragma once

#include <memory>
#include <string>

#include <absl/status/statusor.h>

#include "common/clock.h"
#include "server/jobs/tenant_store.h"
#include "server/sql/database.h"

namespace CLI {
class App;
}

namespace vico::server {

struct OpenedFolder {
  std::unique_ptr<Database> database;
  std::unique_ptr<TenantStore> tenants;
};

/// Creates folder and database if they are missing, and migrates the database if no server has it
/// open. kFailedPrecondition when a server of another version has it open.
absl::StatusOr<OpenedFolder> OpenFolder(const std::string& data, const Clock& clock);

/// Adds `vico-server keys create|list|revoke`. When one of them runs, it sets the process's exit
/// code in `exit_code`.
void AddKeysCommand(CLI::App& app, int& exit_code);

/// As AddKeysCommand, for `vico-server tenants create|list|delete`.
void AddTenantsCommand(CLI::App& app, int& exit_code);

}  // namespace vico::server
