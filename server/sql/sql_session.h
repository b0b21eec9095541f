// Interface of a connection to a relational database. Statements are written once for all engines:
// in the text that SQLite 3.40 and PostgreSQL 15 both take, with parameters `?` or `?N`.
//
// A SELECT may end with FOR NO KEY UPDATE [OF table], FOR SHARE [OF table] or FOR UPDATE SKIP
// LOCKED, in capitals. SQLite ignores it, because it has one writer at a time. On PostgreSQL these
// rules keep changes apart, which see what others have committed (READ COMMITTED):
//   1. A change that counts rows or relies on rows that another may delete begins with Lock().
//   2. A row that a change reads and then updates is read FOR NO KEY UPDATE.
//   3. A row that must stay as it is until the commit is read FOR SHARE. Several rows are locked in
//      the order of their key.
//   4. After a wait for a lock only a further statement sees what was committed meanwhile. So a
//      condition on other tables than the locked one belongs into a second statement.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/status.h"

namespace vico::server {

/// A parameter of a statement. Text and bytes must live until the call returns, as the temporaries
/// of one full expression do.
struct Bytes {
  std::string_view view;
};
using SqlValue = std::variant<std::nullptr_t, int64_t, std::string_view, Bytes>;
using SqlValues = std::initializer_list<SqlValue>;

/// NULL for an empty text.
inline SqlValue TextOrNull(std::string_view text) {
  return text.empty() ? SqlValue(nullptr) : SqlValue(text);
}

/// The scopes of SqlSession::Lock: what one tenant has, and the order of leases.
inline std::string TenantScope(std::string_view tenant) {
  return std::string("tenants/").append(tenant);
}
inline constexpr std::string_view kLeaseScope = "leases";

/// The current row of a query. Columns count from 0; NULL reads as 0 or empty.
class SqlRow {
 public:
  virtual int64_t Int(int column) const = 0;
  virtual std::string Text(int column) const = 0;  ///< a text or bytes column

 protected:
  ~SqlRow() = default;
};

/// The fragments of a statement that differ between engines.
struct SqlDialect {
  /// A query for the elements of the JSON array of strings in `parameter`, as "?2".
  std::string (*json_list)(std::string_view parameter);
};

/// One thread at a time. Errors are kUnavailable (busy, or the disk failed), kResourceExhausted
/// (disk full, reason DISK_FULL), kDataLoss (damaged file), kFailedPrecondition (reason
/// TENANT_DELETED: the row belongs to a deleted tenant), kInternal (the rest). The engine's message
/// and the statement are private text of the status.
class SqlSession {
 public:
  virtual ~SqlSession() = default;

  /// All statements of a script without parameters or rows.
  virtual absl::Status Script(const char* sql) = 0;

  /// One statement; returns how many rows it changed. `sql` is prepared once and kept.
  virtual absl::StatusOr<int> Execute(std::string_view sql, SqlValues values = {}) = 0;

  /// One query. `on_row` must not run the same `sql` again; its error ends the query.
  virtual absl::Status Query(std::string_view sql, SqlValues values,
                             const std::function<absl::Status(const SqlRow&)>& on_row) = 0;

  /// As Execute, for a change whose number of rows is not needed. A database behind a network may
  /// get it with a later statement or with the commit: its error is then that of the later call.
  virtual absl::Status Send(std::string_view sql, SqlValues values) {
    return Execute(sql, values).status();
  }

  /// As Send, for a change of exactly one row: otherwise the error is `otherwise`, and the
  /// transaction does not commit.
  virtual absl::Status SendOne(std::string_view sql, SqlValues values,
                               const absl::Status& otherwise) {
    ASSIGN_OR_RETURN(const int changed, Execute(sql, values));
    return changed == 1 ? absl::OkStatus() : otherwise;
  }

  virtual const SqlDialect& dialect() const = 0;

  /// Waits until no other change holds this scope, and holds it until the change ends. Comes before
  /// the statements that it protects. A change that takes several scopes takes kLeaseScope first,
  /// then that of a tenant, then that of the queue. Only in Write.
  virtual absl::Status Lock(std::string_view scope) = 0;

  /// The first column of the first row, or `otherwise` if there is no row. Also for
  /// INSERT ... RETURNING.
  absl::StatusOr<int64_t> QueryInt(std::string_view sql, SqlValues values, int64_t otherwise) {
    int64_t result = otherwise;
    bool first = true;
    RETURN_IF_ERROR(Query(sql, values, [&](const SqlRow& row) {
      if (first) result = row.Int(0);
      first = false;
      return absl::OkStatus();
    }));
    return result;
  }
};

}  // namespace vico::server
