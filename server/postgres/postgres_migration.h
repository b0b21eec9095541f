// Creates and migrates the schema of a PostgreSQL database.
#pragma once

#include <cstdint>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "server/postgres/postgres_connection.h"

namespace vico::server {

/// The number of the newest migration that the database has had; 0 for an empty database.
absl::StatusOr<int64_t> PostgresSchemaVersion(PostgresConnection& connection);

/// OK when this program works with the database as it is. kFailedPrecondition, reason
/// DATABASE_TOO_OLD or DATABASE_TOO_NEW, otherwise.
absl::Status CheckPostgresSchema(PostgresConnection& connection, const std::string& name);

/// Applies all migrations that the database lacks, one transaction each, under a lock that keeps
/// other programs out. Returns how many it applied. kUnavailable when it waits too long for others'
/// locks: a repeat continues. As CheckPostgresSchema for a newer schema.
absl::StatusOr<int> MigratePostgres(PostgresConnection& connection, const std::string& name);

}  // namespace vico::server
