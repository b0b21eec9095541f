#include "server/cli/database_flags.h"

#include <CLI/CLI.hpp>

#include "common/flags/parse_flags.h"
#include "common/status.h"

namespace vico::server {

void AddDatabaseFlags(CLI::App& app, const std::string& name, DatabaseFlags& flags) {
  app.add_option(name, flags.url,
                 "PostgreSQL database, as postgres://USER@HOST:PORT/DATABASE?sslmode=verify-full; "
                 "without it, the database is in the data folder");
  app.add_option("--database-password-file", flags.password_file,
                 "File with the password of the database (otherwise PGPASSWORD or libpq's "
                 "password file)")
      ->type_name(kFileType);
}

absl::StatusOr<std::optional<PostgresOptions>> PostgresOptionsOf(const std::string& name,
                                                                 const DatabaseFlags& flags) {
  if (flags.url.empty()) return std::optional<PostgresOptions>();
  if (!IsPostgresUrl(flags.url)) {
    return FieldError(name, "must begin with postgres:// or postgresql://");
  }
  PostgresOptions options;
  options.url = flags.url;
  options.connections = flags.connections;
  RETURN_IF_ERROR(PostgresName(options.url).status());
  if (!flags.password_file.empty()) {
    ASSIGN_OR_RETURN(options.password, ReadDatabasePassword(flags.password_file));
  }
  return std::optional<PostgresOptions>(std::move(options));
}

}  // namespace vico::server
