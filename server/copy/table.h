// The tables of a database, as its engine describes them.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "server/sql/database.h"

namespace vico::server {

enum class Engine { kSqlite, kPostgres };

struct Column {
  enum class Kind { kInteger, kText, kBytes };
  std::string name;
  Kind kind = Kind::kInteger;
  int key = 0;  ///< 1, 2, …: its place in the primary key; 0: not part of it
};

struct Table {
  std::string name;
  std::vector<Column> columns;
};

/// The tables of the program's schema, ordered so that a row comes after those it refers to.
absl::StatusOr<std::vector<Table>> TablesOf(Database& database, Engine engine);

}  // namespace vico::server
