// Rows of PostgreSQL's results in the binary format.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/status.h>

#include "server/sql/sql_session.h"

struct pg_result;  // PGresult of libpq

namespace vico::server {

/// kInternal for a column of a type that PostgresRow does not read, as sum() of BIGINT has: a CAST
/// is missing in `sql`.
absl::Status CheckColumns(const pg_result* result, std::string_view sql);

/// The result must outlive it.
class PostgresRow final : public SqlRow {
 public:
  PostgresRow(const pg_result* result, int row) : result_(result), row_(row) {}

  int64_t Int(int column) const override;
  std::string Text(int column) const override;

 private:
  std::string_view Value(int column) const;

  const pg_result* result_;
  const int row_;
};

}  // namespace vico::server
