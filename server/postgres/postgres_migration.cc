#include "server/postgres/postgres_migration.h"

#include <fmt/format.h>

#include "common/failpoint.h"
#include "common/status.h"
#include "server/sql/migrations.h"

namespace vico::server {
namespace {

// Another program may migrate for a while. A migration itself must not stand in the way of running
// servers for long: those that come after it wait for the lock that it waits for.
constexpr const char* kWaitForOthers = R"sql(
  SET LOCAL statement_timeout = 0;
  SET LOCAL idle_in_transaction_session_timeout = 0;
  SET LOCAL lock_timeout = '60s';
)sql";
constexpr const char* kGiveWay = "SET LOCAL lock_timeout = '5s'";

/// Applies one migration unless another program has done so. True when it did.
absl::StatusOr<bool> Apply(PostgresConnection& db, const Migration& migration) {
  RETURN_IF_ERROR(db.Script(kWaitForOthers));
  RETURN_IF_ERROR(db.Lock("migrations"));
  ASSIGN_OR_RETURN(const int64_t version, PostgresSchemaVersion(db));
  if (version >= migration.number) return false;
  RETURN_IF_ERROR(db.Script(kGiveWay));
  RETURN_IF_ERROR(db.Script(migration.script));
  RETURN_IF_ERROR(InsertMigrationRow(db, migration));
  VICO_FAILPOINT("migrate.mid");
  return true;
}

/// Gives way to transactions that hold locks for long, and tries again.
absl::StatusOr<bool> ApplyPatiently(PostgresConnection& db, const Migration& migration) {
  constexpr int kTries = 10;
  constexpr std::string_view kLockTimeout = "55P03";
  for (int attempt = 1;; ++attempt) {
    db.Begin(PostgresConnection::Transaction::kChange);
    absl::StatusOr<bool> changed = Apply(db, migration);
    if (changed.ok()) {
      RETURN_IF_ERROR(db.Commit());
      return changed;
    }
    const bool again = db.error() != nullptr && db.error()->sqlstate == kLockTimeout;
    db.RollBack();
    if (!again || attempt == kTries) return changed;
    absl::SleepFor(absl::Seconds(1));
  }
}

}  // namespace

absl::StatusOr<int64_t> PostgresSchemaVersion(PostgresConnection& connection) {
  // Not to_regclass(), which remembers that the table was missing.
  ASSIGN_OR_RETURN(const int64_t exists,
                   connection.QueryInt("SELECT 1 FROM pg_class WHERE relname = 'migration' "
                                       "AND relkind = 'r' AND pg_table_is_visible(oid)",
                                       {}, 0));
  if (exists == 0) return 0;
  return connection.QueryInt("SELECT max(number) FROM migration", {}, 0);
}

absl::Status CheckPostgresSchema(PostgresConnection& connection, const std::string& name) {
  ASSIGN_OR_RETURN(const int64_t version, PostgresSchemaVersion(connection));
  if (version < NewestSchema()) return SchemaTooOld(name, version);
  return version == NewestSchema() ? absl::OkStatus() : CheckNewerSchema(connection, name, version);
}

absl::StatusOr<int> MigratePostgres(PostgresConnection& connection, const std::string& name) {
  ASSIGN_OR_RETURN(const int64_t version, PostgresSchemaVersion(connection));
  if (version > NewestSchema()) RETURN_IF_ERROR(CheckNewerSchema(connection, name, version));
  int applied = 0;
  for (const Migration& migration : PostgresMigrations()) {
    if (migration.number <= version) continue;
    ASSIGN_OR_RETURN(const bool changed, ApplyPatiently(connection, migration));
    applied += changed ? 1 : 0;
  }
  return applied;
}

}  // namespace vico::server
