// Statements in PostgreSQL's notation.
#pragma once

#include <string>
#include <string_view>

namespace vico::server {

/// `sql` with its parameters `?` and `?N` as `$N`. A plain `?` is the number after the largest one
/// before it, as in SQLite. Texts, quoted names and comments stay as they are.
std::string WithNumberedParameters(std::string_view sql);

/// A statement that runs `change` (an UPDATE, DELETE or INSERT without RETURNING, in PostgreSQL's
/// notation) and fails with the SQLSTATE 22012 unless it changes exactly one row. So a COMMIT that
/// was sent with it fails too.
std::string MustChangeOneRow(std::string_view change);

}  // namespace vico::server
