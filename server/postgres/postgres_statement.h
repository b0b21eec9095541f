// Statements in PostgreSQL's notation.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace vico::server {

struct PostgresStatement {
  std::string text;
  std::set<int> parameters;  ///< the numbers that occur, from 1
};

/// `sql` with its parameters `?` and `?N` as `$N`. A plain `?` is the number after the largest one
/// before it, as in SQLite. Texts, quoted names and comments stay as they are.
PostgresStatement WithNumberedParameters(std::string_view sql);

/// A statement that runs `change` (an UPDATE, DELETE or INSERT without RETURNING, in PostgreSQL's
/// notation) and fails with the SQLSTATE 22012 unless it changes exactly one row. So a COMMIT that
/// was sent with it fails too.
std::string MustChangeOneRow(std::string_view change);

}  // namespace vico::server
