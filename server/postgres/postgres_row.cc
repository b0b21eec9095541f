#include "server/postgres/postgres_row.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <libpq-fe.h>

namespace vico::server {
namespace {

// Object ids of types, from PostgreSQL's catalog/pg_type.dat, which never change.
constexpr Oid kBool = 16;
constexpr Oid kBytea = 17;
constexpr Oid kName = 19;
constexpr Oid kInt8 = 20;
constexpr Oid kInt2 = 21;
constexpr Oid kInt4 = 23;
constexpr Oid kText = 25;
constexpr Oid kVarchar = 1043;
constexpr Oid kVoid = 2278;
constexpr std::array kReadable = {kBool, kBytea, kName,    kInt8, kInt2,
                                  kInt4, kText,  kVarchar, kVoid};

bool IsNumber(Oid type) { return type == kBool || type == kInt8 || type == kInt2 || type == kInt4; }

}  // namespace

absl::Status CheckColumns(const pg_result* result, std::string_view sql) {
  for (int column = 0; column < PQnfields(result); ++column) {
    const Oid type = PQftype(result, column);
    if (std::find(kReadable.begin(), kReadable.end(), type) == kReadable.end()) {
      return absl::InternalError(
          fmt::format("database: column {} has the type {}: {}", column, type, sql));
    }
  }
  return absl::OkStatus();
}

std::string_view PostgresRow::Value(int column) const {
  return {PQgetvalue(result_, row_, column),
          static_cast<size_t>(PQgetlength(result_, row_, column))};
}

// Numbers are in network byte order, of 1, 2, 4 or 8 bytes, in two's complement.
int64_t PostgresRow::Int(int column) const {
  const std::string_view bytes = Value(column);
  if (bytes.empty() || !IsNumber(PQftype(result_, column))) return 0;
  const bool negative = (static_cast<unsigned char>(bytes[0]) & 0x80) != 0;
  uint64_t value = negative ? ~uint64_t{0} : 0;
  for (const char byte : bytes) value = (value << 8) | static_cast<unsigned char>(byte);
  return static_cast<int64_t>(value);
}

std::string PostgresRow::Text(int column) const {
  if (IsNumber(PQftype(result_, column))) return std::to_string(Int(column));
  return std::string(Value(column));
}

}  // namespace vico::server
