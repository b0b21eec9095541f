#include "server/postgres/postgres_statement.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace vico::server {
namespace {

/// The length of the text, quoted name or comment at the beginning of `sql`; 0 without one.
size_t LengthOfOpaque(std::string_view sql) {
  if (sql[0] == '\'' || sql[0] == '"') {
    // A doubled quote begins the next text at once, so it needs no care.
    const size_t end = sql.find(sql[0], 1);
    return end == std::string_view::npos ? sql.size() : end + 1;
  }
  if (sql.starts_with("--")) return std::min(sql.find('\n'), sql.size());
  return 0;
}

}  // namespace

PostgresStatement WithNumberedParameters(std::string_view sql) {
  PostgresStatement numbered;
  int largest = 0;
  while (!sql.empty()) {
    if (const size_t length = LengthOfOpaque(sql); length > 0) {
      numbered.text += sql.substr(0, length);
      sql.remove_prefix(length);
      continue;
    }
    const char c = sql[0];
    sql.remove_prefix(1);
    if (c != '?') {
      numbered.text += c;
      continue;
    }
    int number = largest + 1;
    const auto [end, error] = std::from_chars(sql.data(), sql.data() + sql.size(), number);
    if (error == std::errc()) sql.remove_prefix(static_cast<size_t>(end - sql.data()));
    largest = std::max(largest, number);
    numbered.text += fmt::format("${}", number);
    numbered.parameters.insert(number);
  }
  return numbered;
}

std::string MustChangeOneRow(std::string_view change) {
  return fmt::format(
      "WITH changed AS ({} RETURNING 1) "
      "SELECT 1 / CASE count(*) WHEN 1 THEN 1 ELSE 0 END FROM changed",
      change);
}

}  // namespace vico::server
