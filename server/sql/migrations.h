// Migrations of the schema, and which programs may use a migrated database. Both engines give the
// same number to the same schema; PostgreSQL begins with number 11.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "server/sql/sql_session.h"

namespace vico::server {

struct Migration {
  int64_t number = 0;
  const char* script = nullptr;

  /// The oldest program that works with a database after this migration, as the number of the
  /// newest migration that the program knows: N of the first line `-- oldest program: N`. Without
  /// such a line no older program works with it.
  int64_t oldest_program() const;
};

std::span<const Migration> SqliteMigrations();
std::span<const Migration> PostgresMigrations();

/// The number of the newest migration that this program knows.
int64_t NewestSchema();

/// The first number that has a row in the table `migration`.
inline constexpr int64_t kFirstMigrationRow = 11;

/// The row of a migration, in the transaction that applies it.
absl::Status InsertMigrationRow(SqlSession& db, const Migration& migration);

/// OK when this program works with the database `name`, whose schema `version` is newer than
/// NewestSchema(): each newer migration admits this program. kFailedPrecondition, reason
/// DATABASE_TOO_NEW, otherwise.
absl::Status CheckNewerSchema(SqlSession& db, std::string_view name, int64_t version);

/// kFailedPrecondition, reason DATABASE_TOO_OLD: the database `name` has to be migrated first.
absl::Status SchemaTooOld(std::string_view name, int64_t version);

}  // namespace vico::server
