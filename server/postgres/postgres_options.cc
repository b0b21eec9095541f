#include "server/postgres/postgres_options.h"

#include <fstream>
#include <memory>

#include <fmt/format.h>
#include <libpq-fe.h>

#include "common/status.h"

namespace vico::server {

bool IsPostgresUrl(std::string_view database) {
  return database.starts_with("postgres://") || database.starts_with("postgresql://");
}

absl::StatusOr<std::string> PostgresName(const std::string& url) {
  char* problem = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> parts(
      PQconninfoParse(url.c_str(), &problem), PQconninfoFree);
  const std::unique_ptr<char, decltype(&PQfreemem)> owner(problem, PQfreemem);
  if (parts == nullptr) {
    // libpq's text may contain the password.
    return FieldError("--database", "must be postgres://USER@HOST:PORT/DATABASE");
  }
  std::string user;
  std::string host = "localhost";
  std::string port = "5432";
  std::string database;
  for (const PQconninfoOption* part = parts.get(); part->keyword != nullptr; ++part) {
    const std::string_view keyword = part->keyword;
    const std::string value = part->val == nullptr ? "" : part->val;
    if (value.empty()) continue;
    if (keyword == "user") user = value + "@";
    if (keyword == "host") host = value;
    if (keyword == "port") port = value;
    if (keyword == "dbname") database = value;
  }
  return fmt::format("postgres://{}{}:{}/{}", user, host, port, database);
}

absl::StatusOr<Sensitive> ReadDatabasePassword(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) {
    return FieldError("--database-password-file", fmt::format("cannot read {}", path));
  }
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty()) {
    return FieldError("--database-password-file", fmt::format("{} has an empty first line", path));
  }
  return Sensitive(std::move(line));
}

}  // namespace vico::server
