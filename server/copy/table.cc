#include "server/copy/table.h"

#include <algorithm>

#include "common/status.h"

namespace vico::server {
namespace {

constexpr char kSqliteColumns[] =
    "SELECT s.name, c.name, c.type, c.pk FROM sqlite_schema AS s JOIN pragma_table_info(s.name) "
    "AS c WHERE s.type = 'table' AND s.name NOT LIKE 'sqlite_%' ORDER BY s.name, c.cid";

constexpr char kPostgresColumns[] =
    "SELECT c.table_name, c.column_name, c.data_type, coalesce(k.ordinal_position, 0) "
    "FROM information_schema.columns AS c "
    "JOIN information_schema.tables AS t ON t.table_schema = c.table_schema "
    "AND t.table_name = c.table_name AND t.table_type = 'BASE TABLE' "
    "LEFT JOIN information_schema.table_constraints AS p ON p.table_schema = c.table_schema "
    "AND p.table_name = c.table_name AND p.constraint_type = 'PRIMARY KEY' "
    "LEFT JOIN information_schema.key_column_usage AS k ON k.table_schema = p.table_schema "
    "AND k.constraint_name = p.constraint_name AND k.table_name = c.table_name "
    "AND k.column_name = c.column_name "
    "WHERE c.table_schema = current_schema() ORDER BY c.table_name, c.ordinal_position";

Column::Kind KindOf(const std::string& type) {
  if (type == "BLOB" || type == "bytea") return Column::Kind::kBytes;
  if (type == "TEXT" || type == "text") return Column::Kind::kText;
  return Column::Kind::kInteger;
}

/// Others have foreign keys to these.
int Order(const std::string& table) { return table == "tenant" ? 0 : table == "job" ? 1 : 2; }

}  // namespace

absl::StatusOr<std::vector<Table>> TablesOf(Database& database, Engine engine) {
  std::vector<Table> tables;
  RETURN_IF_ERROR(database.Read([&](SqlSession& db) {
    tables.clear();
    return db.Query(engine == Engine::kSqlite ? kSqliteColumns : kPostgresColumns, {},
                    [&](const SqlRow& row) {
                      if (tables.empty() || tables.back().name != row.Text(0)) {
                        tables.push_back({row.Text(0), {}});
                      }
                      tables.back().columns.push_back(
                          {row.Text(1), KindOf(row.Text(2)), static_cast<int>(row.Int(3))});
                      return absl::OkStatus();
                    });
  }));
  std::stable_sort(tables.begin(), tables.end(),
                   [](const Table& a, const Table& b) { return Order(a.name) < Order(b.name); });
  return tables;
}

}  // namespace vico::server
