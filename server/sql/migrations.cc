#include "server/sql/migrations.h"

#include <charconv>

#include <fmt/format.h>

#include "common/status.h"
#include "server/sql/migration_scripts.h"

namespace vico::server {

int64_t Migration::oldest_program() const {
  constexpr std::string_view kMark = "-- oldest program: ";
  const std::string_view text = script;
  int64_t oldest = number;
  if (text.starts_with(kMark)) {
    std::from_chars(text.data() + kMark.size(), text.data() + text.size(), oldest);
  }
  return oldest;
}

std::span<const Migration> SqliteMigrations() { return kSqliteMigrations; }
std::span<const Migration> PostgresMigrations() { return kPostgresMigrations; }
int64_t NewestSchema() { return SqliteMigrations().back().number; }

absl::Status InsertMigrationRow(SqlSession& db, const Migration& migration) {
  return db
      .Execute("INSERT INTO migration (number, oldest_program) VALUES (?, ?)",
               {migration.number, migration.oldest_program()})
      .status();
}

absl::Status CheckNewerSchema(SqlSession& db, std::string_view name, int64_t version) {
  const int64_t newest = NewestSchema();
  ASSIGN_OR_RETURN(
      const int64_t known,
      db.QueryInt("SELECT max(oldest_program) FROM migration WHERE number > ?", {newest}, 0));
  // A schema that does not say who may use it is for its own program only.
  const int64_t oldest_program = known == 0 ? version : known;
  if (oldest_program <= newest) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition,
               fmt::format("database {}: has schema {}, which works with programs of schema {} and "
                           "newer; this program's is {}: run a newer version of vico-server",
                           name, version, oldest_program, newest),
               "DATABASE_TOO_NEW");
}

absl::Status SchemaTooOld(std::string_view name, int64_t version) {
  return Error(absl::StatusCode::kFailedPrecondition,
               fmt::format("database {}: has schema {}, this program needs {}: run `vico-server "
                           "migrate`",
                           name, version, NewestSchema()),
               "DATABASE_TOO_OLD");
}

}  // namespace vico::server
