#include "server/cli/command_folder.h"

#include <filesystem>
#include <utility>

#include "common/status.h"
#include "server/disk/data_folder.h"
#include "server/sql/sqlite_database.h"
#include "server/store/sql_tenant_store.h"

namespace vico::server {

absl::StatusOr<OpenedFolder> OpenFolder(const std::string& data, const Clock& clock) {
  OpenedFolder opened;
  auto joined = SqliteDatabase::Join(DataFolder::DatabasePathIn(data));
  if (joined.ok()) {
    opened.database = *std::move(joined);
  } else {
    auto folder = DataFolder::Open(data);
    if (!folder.ok()) return Reason(folder.status()).empty() ? folder.status() : joined.status();
    ASSIGN_OR_RETURN(opened.database, SqliteDatabase::Open((*folder)->DatabasePath()));
  }
  opened.tenants = std::make_unique<SqlTenantStore>(*opened.database, clock);
  return opened;
}

}  // namespace vico::server
