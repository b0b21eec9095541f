#include "server/cli/command_folder.h"

#include <filesystem>
#include <utility>

#include <CLI/CLI.hpp>

#include "common/flags/parse_flags.h"
#include "common/status.h"
#include "server/disk/data_folder.h"
#include "server/postgres/postgres_database.h"
#include "server/sql/sqlite_database.h"
#include "server/store/sql_tenant_store.h"

namespace vico::server {

namespace {

absl::StatusOr<std::unique_ptr<Database>> OpenSqlite(const std::string& data) {
  auto joined = SqliteDatabase::Join(DataFolder::DatabasePathIn(data));
  if (joined.ok()) return joined;
  auto folder = DataFolder::Open(data);
  if (!folder.ok()) return Reason(folder.status()).empty() ? folder.status() : joined.status();
  return SqliteDatabase::Open((*folder)->DatabasePath());
}

}  // namespace

void AddDatabasePlace(CLI::App& app, DatabasePlace& place) {
  app.add_option("--data", place.data, "The server's folder")->type_name(kFolderType);
  AddDatabaseFlags(app, "--database", place.flags);
}

absl::StatusOr<OpenedFolder> OpenFolder(const DatabasePlace& place, const Clock& clock) {
  OpenedFolder opened;
  ASSIGN_OR_RETURN(const auto postgres, PostgresOptionsOf("--database", place.flags));
  if (postgres) {
    ASSIGN_OR_RETURN(opened.database,
                     PostgresDatabase::Open(*postgres, PostgresDatabase::Schema::kCheck));
  } else if (place.data.empty()) {
    return FieldError("--data", "is required, or --database");
  } else {
    ASSIGN_OR_RETURN(opened.database, OpenSqlite(place.data));
  }
  opened.tenants = std::make_unique<SqlTenantStore>(*opened.database, clock);
  return opened;
}

}  // namespace vico::server
