// SQLite's C interface with C++ ownership and absl::Status; no more than that.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

struct sqlite3;
struct sqlite3_stmt;

namespace vico::server {

/// A parameter of a statement. Text and bytes must live until the call returns, as the temporaries
/// of one full expression do.
struct Bytes {
  std::string_view view;
};
using SqlValue = std::variant<std::nullptr_t, int64_t, std::string_view, Bytes>;
using SqlValues = std::initializer_list<SqlValue>;

/// NULL for an empty text, where empty means none.
inline SqlValue TextOrNull(std::string_view text) {
  return text.empty() ? SqlValue(nullptr) : SqlValue(text);
}

/// The row a query stands at. Columns count from 0; NULL reads as 0 or empty.
class SqlRow {
 public:
  explicit SqlRow(sqlite3_stmt* statement) : statement_(statement) {}

  int64_t Int(int column) const;
  std::string Text(int column) const;  ///< of TEXT or BLOB

 private:
  sqlite3_stmt* statement_;
};

/// One connection, used by one thread at a time. Errors are kUnavailable (busy, or the disk
/// failed), kResourceExhausted (disk full, reason DISK_FULL), kDataLoss (damaged file),
/// kFailedPrecondition (reason TENANT_DELETED: the row would be a deleted tenant's), kInternal (the
/// rest). What SQLite says and about which statement is private text.
class SqliteConnection {
 public:
  enum class Access { kReadOnly, kReadWrite };
  static absl::StatusOr<std::unique_ptr<SqliteConnection>> Open(const std::string& path,
                                                                Access access);
  ~SqliteConnection();

  /// All statements of a script without parameters or rows.
  absl::Status Script(const char* sql);

  /// One statement; returns how many rows it changed. `sql` is prepared once and kept.
  absl::StatusOr<int> Execute(std::string_view sql, SqlValues values = {});

  /// One query. `on_row` must not run the same `sql` again; its error ends the query.
  absl::Status Query(std::string_view sql, SqlValues values,
                     const std::function<absl::Status(const SqlRow&)>& on_row);

  /// The first column of the first row; `otherwise` when there is no row.
  absl::StatusOr<int64_t> QueryInt(std::string_view sql, SqlValues values, int64_t otherwise);

  /// This database as it now is, into a new file at `path`, durably; others may read and write it
  /// meanwhile. It reads one state: what is committed later is not in the copy.
  absl::Status CopyTo(const std::string& path);

  int64_t LastInsertRowId() const;

  /// Whether a transaction is open. SQLite ends it itself after some errors.
  bool InTransaction() const;

 private:
  explicit SqliteConnection(sqlite3* database) : database_(database) {}
  absl::StatusOr<sqlite3_stmt*> Prepare(std::string_view sql, SqlValues values);
  absl::Status ErrorNow(std::string_view doing) const;

  sqlite3* database_;
  std::map<std::string, sqlite3_stmt*, std::less<>> statements_;
};

}  // namespace vico::server
