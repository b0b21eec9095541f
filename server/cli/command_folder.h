// The tenants of a database, for subcommands that use the database itself, with or without a
// server: a data folder or a PostgreSQL database. They need no server's address and no API key. A
// running server notices their changes within a second.
#pragma once

#include <memory>
#include <string>

#include <absl/status/statusor.h>

#include "common/clock.h"
#include "server/cli/database_flags.h"
#include "server/sql/database.h"
#include "server/tenants/tenant_store.h"

namespace CLI {
class App;
}

namespace vico::server {

/// Where a subcommand finds the database.
struct DatabasePlace {
  std::string data;  ///< the data folder; may be empty with a URL in `flags`
  DatabaseFlags flags{};
};

/// Adds --data, --database and --database-password-file.
void AddDatabasePlace(CLI::App& app, DatabasePlace& place);

struct OpenedFolder {
  std::unique_ptr<Database> database;
  std::unique_ptr<TenantStore> tenants;
};

/// Creates folder and database if they are missing, and migrates the database if no server has it
/// open; a PostgreSQL database must have been migrated. kFailedPrecondition when a server of
/// another version has it open. kInvalidArgument without a place.
absl::StatusOr<OpenedFolder> OpenFolder(const DatabasePlace& place, const Clock& clock);

/// Adds `vico-server keys create|list|revoke`. When one of them runs, it sets the process's exit
/// code in `exit_code`.
void AddKeysCommand(CLI::App& app, int& exit_code);

/// As AddKeysCommand, for `vico-server migrate` and `vico-server check`.
void AddDatabaseCommands(CLI::App& app, int& exit_code);

/// As AddKeysCommand, for `vico-server copy`.
void AddCopyCommand(CLI::App& app, int& exit_code);

/// As AddKeysCommand, for `vico-server tenants create|list|delete`.
void AddTenantsCommand(CLI::App& app, int& exit_code);

}  // namespace vico::server
