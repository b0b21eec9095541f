// The flags that say where the database is: in the data folder or a PostgreSQL server.
#pragma once

#include <optional>
#include <string>

#include <absl/status/statusor.h>

#include "server/postgres/postgres_options.h"

namespace CLI {
class App;
}

namespace vico::server {

struct DatabaseFlags {
  std::string url;  ///< empty: the data folder
  std::string password_file;
  int connections = 8;
};

/// Adds the flag `name` for the URL, and --database-password-file.
void AddDatabaseFlags(CLI::App& app, const std::string& name, DatabaseFlags& flags);

/// The database of the flags; none without a URL. kInvalidArgument names the flag. `name` is as
/// above.
absl::StatusOr<std::optional<PostgresOptions>> PostgresOptionsOf(const std::string& name,
                                                                 const DatabaseFlags& flags);

}  // namespace vico::server
