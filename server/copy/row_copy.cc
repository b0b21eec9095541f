#include "server/copy/row_copy.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/status.h"

namespace vico::server {
namespace {

constexpr size_t kMostColumns = 64;
constexpr int64_t kRowsAtOnce = 500;

// `blob` is copied with its bytes, and triggers fill `blob_total`.
const std::set<std::string> kLeftOut = {"blob",      "blob_total", "dead_object",
                                        "migration", "readiness",  "reconciliation",
                                        "scrub",     "key_version"};
// Migrations put a row into these, which the source's replaces.
const std::set<std::string> kReplaced = {"heartbeat", "secret"};

struct Cell {
  bool null = false;
  int64_t number = 0;
  std::string bytes;
};
using Cells = std::vector<Cell>;

SqlValue ValueOf(const Column& column, const Cell& cell) {
  if (cell.null) return nullptr;
  switch (column.kind) {
    case Column::Kind::kInteger:
      return cell.number;
    case Column::Kind::kText:
      return std::string_view(cell.bytes);
    case Column::Kind::kBytes:
      return Bytes{cell.bytes};
  }
  return nullptr;
}

/// Calls `with` with the first `count` values as a list, whose length is part of no type.
template <typename With, size_t... kIndex>
auto WithList(const std::vector<SqlValue>& values, const With& with,
              std::index_sequence<kIndex...> /*unused*/) {
  return with({values[kIndex]...});
}

template <size_t kCount, typename With>
auto WithValues(const std::vector<SqlValue>& values, const With& with)
    -> decltype(with(SqlValues{})) {
  if (values.size() == kCount) return WithList(values, with, std::make_index_sequence<kCount>());
  if constexpr (kCount < kMostColumns) {
    return WithValues<kCount + 1>(values, with);
  } else {
    return absl::InternalError("copy: a table has too many columns");
  }
}

std::string Quoted(const std::string& name) { return fmt::format("\"{}\"", name); }

std::string ColumnList(const Table& table) {
  std::vector<std::string> names;
  for (const Column& column : table.columns) names.push_back(Quoted(column.name));
  return fmt::format("{}", fmt::join(names, ", "));
}

/// Columns of the primary key, in its order.
std::vector<size_t> KeyOf(const Table& table) {
  std::vector<size_t> key;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].key > 0) key.push_back(i);
  }
  std::sort(key.begin(), key.end(),
            [&](size_t a, size_t b) { return table.columns[a].key < table.columns[b].key; });
  return key;
}

/// Reads a table in the order of its key, a page at a time.
class TableReader {
 public:
  TableReader(Database& database, const Table& table)
      : database_(database), table_(table), key_(KeyOf(table)) {
    std::vector<std::string> read;
    for (const Column& column : table.columns) {
      read.push_back(Quoted(column.name));
      read.push_back(fmt::format("CASE WHEN {} IS NULL THEN 1 ELSE 0 END", Quoted(column.name)));
    }
    std::vector<std::string> names;
    std::vector<std::string> parameters;
    for (size_t i = 0; i < key_.size(); ++i) {
      names.push_back(Quoted(table.columns[key_[i]].name));
      parameters.push_back(fmt::format("?{}", i + 1));
    }
    const std::string select =
        fmt::format("SELECT {} FROM {}", fmt::join(read, ", "), Quoted(table.name));
    const std::string order =
        fmt::format("ORDER BY {} LIMIT {}", fmt::join(names, ", "), kRowsAtOnce);
    first_ = fmt::format("{} {}", select, order);
    next_ = fmt::format("{} WHERE ({}) > ({}) {}", select, fmt::join(names, ", "),
                        fmt::join(parameters, ", "), order);
  }

  /// Empty at the end.
  absl::StatusOr<std::vector<Cells>> Next() {
    std::vector<Cells> page;
    RETURN_IF_ERROR(database_.Read([&](SqlSession& db) -> absl::Status {
      page.clear();
      const auto on_row = [&](const SqlRow& row) {
        page.push_back(CellsOf(row));
        return absl::OkStatus();
      };
      if (!last_) return db.Query(first_, {}, on_row);
      std::vector<SqlValue> values;
      for (const size_t i : key_) values.push_back(ValueOf(table_.columns[i], (*last_)[i]));
      return WithValues<1>(values, [&](SqlValues list) { return db.Query(next_, list, on_row); });
    }));
    if (!page.empty()) last_ = page.back();
    return page;
  }

 private:
  Cells CellsOf(const SqlRow& row) const {
    Cells cells(table_.columns.size());
    for (size_t i = 0; i < cells.size(); ++i) {
      const int column = static_cast<int>(2 * i);
      cells[i].null = row.Int(column + 1) != 0;
      if (cells[i].null) continue;
      if (table_.columns[i].kind == Column::Kind::kInteger) {
        cells[i].number = row.Int(column);
      } else {
        cells[i].bytes = row.Text(column);
      }
    }
    return cells;
  }

  Database& database_;
  const Table& table_;
  const std::vector<size_t> key_;
  std::string first_;
  std::string next_;
  std::optional<Cells> last_;
};

/// A row that the source's engine or this copy must not bring over as it is. False: leave it out.
bool Adapt(const Table& table, Cells& row) {
  if (table.name == "secret") {
    // The target has a place of its own for blobs.
    return row[0].bytes != "blobs" && row[0].bytes != "copying";
  }
  if (table.name == "tenant") {
    for (size_t i = 0; i < row.size(); ++i) {
      // Nothing could be added for a deleted tenant; FinishRows() brings the state.
      if (table.columns[i].name == "state") row[i].bytes = "active";
    }
  }
  return true;
}

absl::StatusOr<int64_t> CopyTable(Database& from, Database& to, const Table& table) {
  std::vector<std::string> parameters;
  for (size_t i = 0; i < table.columns.size(); ++i) parameters.push_back(fmt::format("?{}", i + 1));
  const std::string insert =
      fmt::format("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING", Quoted(table.name),
                  ColumnList(table), fmt::join(parameters, ", "));
  int64_t copied = 0;
  for (TableReader reader(from, table);;) {
    ASSIGN_OR_RETURN(std::vector<Cells> page, reader.Next());
    if (page.empty()) return copied;
    int inserted = 0;
    RETURN_IF_ERROR(to.Write([&](SqlSession& db) -> absl::Status {
      inserted = 0;
      for (Cells row : page) {
        if (!Adapt(table, row)) continue;
        std::vector<SqlValue> values;
        for (size_t i = 0; i < row.size(); ++i) values.push_back(ValueOf(table.columns[i], row[i]));
        ASSIGN_OR_RETURN(const int changed, WithValues<1>(values, [&](SqlValues list) {
                           return db.Execute(insert, list);
                         }));
        inserted += changed;
      }
      return absl::OkStatus();
    }));
    copied += inserted;
  }
}

/// The target's table with the source's columns, in the source's order.
absl::Status CheckColumns(const Table& source, const std::vector<Table>& targets) {
  const auto target = std::find_if(targets.begin(), targets.end(),
                                   [&](const Table& table) { return table.name == source.name; });
  const bool fits =
      target != targets.end() &&
      std::all_of(source.columns.begin(), source.columns.end(), [&](const Column& column) {
        return std::any_of(target->columns.begin(), target->columns.end(), [&](const Column& own) {
          return own.name == column.name && own.kind == column.kind;
        });
      });
  if (fits) return absl::OkStatus();
  return Error(
      absl::StatusCode::kFailedPrecondition,
      fmt::format("copy: the table {} of the source does not fit the target's", source.name),
      "SCHEMAS_DIFFER");
}

absl::Status ReplaceRow(Database& to, const Table& table) {
  return to.Write([&](SqlSession& db) {
    // The source's id of the installation comes with the other rows.
    return db
        .Execute(fmt::format("DELETE FROM {}{}", Quoted(table.name),
                             table.name == "secret" ? " WHERE name <> 'copying'" : ""))
        .status();
  });
}

absl::StatusOr<int64_t> LargestNumber(const CopyEnd& from, const std::string& table) {
  int64_t largest = 0;
  RETURN_IF_ERROR(from.database.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(
        largest, db.QueryInt(fmt::format("SELECT coalesce(max(number), 0) FROM {}", table), {}, 0));
    if (from.engine == Engine::kSqlite) {
      // Also of rows that are deleted.
      ASSIGN_OR_RETURN(const int64_t used,
                       db.QueryInt("SELECT seq FROM sqlite_sequence WHERE name = ?", {table}, 0));
      largest = std::max(largest, used);
    }
    return absl::OkStatus();
  }));
  return largest;
}

absl::Status ContinueNumbers(const CopyEnd& from, const CopyEnd& to, const std::string& table) {
  ASSIGN_OR_RETURN(const int64_t largest, LargestNumber(from, table));
  if (largest == 0) return absl::OkStatus();
  return to.database.Write([&](SqlSession& db) -> absl::Status {
    if (to.engine == Engine::kPostgres) {
      return db
          .QueryInt(fmt::format("SELECT setval(pg_get_serial_sequence('{}', 'number'), "
                                "CAST(? AS bigint))",
                                table),
                    {largest}, 0)
          .status();
    }
    RETURN_IF_ERROR(db.Execute("DELETE FROM sqlite_sequence WHERE name = ?", {table}).status());
    return db.Execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", {table, largest})
        .status();
  });
}

}  // namespace

absl::StatusOr<int64_t> CopyRows(const CopyEnd& from, const CopyEnd& to) {
  ASSIGN_OR_RETURN(const std::vector<Table> sources, TablesOf(from.database, from.engine));
  ASSIGN_OR_RETURN(const std::vector<Table> targets, TablesOf(to.database, to.engine));
  int64_t copied = 0;
  for (const Table& table : sources) {
    if (kLeftOut.contains(table.name)) continue;
    RETURN_IF_ERROR(CheckColumns(table, targets));
    if (kReplaced.contains(table.name)) RETURN_IF_ERROR(ReplaceRow(to.database, table));
    ASSIGN_OR_RETURN(const int64_t rows, CopyTable(from.database, to.database, table));
    copied += rows;
  }
  return copied;
}

absl::Status FinishRows(const CopyEnd& from, const CopyEnd& to) {
  std::vector<std::pair<std::string, std::string>> states;
  RETURN_IF_ERROR(from.database.Read([&](SqlSession& db) {
    states.clear();
    return db.Query("SELECT name, state FROM tenant WHERE state <> 'active'", {},
                    [&](const SqlRow& row) {
                      states.emplace_back(row.Text(0), row.Text(1));
                      return absl::OkStatus();
                    });
  }));
  RETURN_IF_ERROR(to.database.Write([&](SqlSession& db) -> absl::Status {
    for (const auto& [name, state] : states) {
      RETURN_IF_ERROR(
          db.Execute("UPDATE tenant SET state = ? WHERE name = ?", {state, name}).status());
    }
    return absl::OkStatus();
  }));
  for (const char* table : {"job", "concept", "adapter"}) {
    RETURN_IF_ERROR(ContinueNumbers(from, to, table));
  }
  return absl::OkStatus();
}

}  // namespace vico::server
