// How to reach a PostgreSQL database.
#pragma once

#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/crypto/sensitive.h"

namespace vico::server {

struct PostgresOptions {
  std::string url;       ///< postgres://… or postgresql://…, as libpq reads it
  Sensitive password{};  ///< in place of one in the URL, PGPASSWORD and the passfile; or empty
  int connections = 8;   ///< of the pool
};

/// Whether the text of --database names a PostgreSQL database.
bool IsPostgresUrl(std::string_view database);

/// Host, port, database and user of `url`, without its password, as
/// "postgres://vico@db.example:5432/vico". kInvalidArgument for the field --database when libpq
/// cannot read the URL.
absl::StatusOr<std::string> PostgresName(const std::string& url);

/// The first line of the file. kInvalidArgument for the field --database-password-file when it
/// cannot be read or is empty.
absl::StatusOr<Sensitive> ReadDatabasePassword(const std::string& path);

}  // namespace vico::server
