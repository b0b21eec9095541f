#include "server/sql/sqlite_connection.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include "common/status.h"

namespace vico::server {
namespace {

constexpr int kBusyTimeoutMs = 5000;

// Resets a statement for its next use on every way out of a scope.
class ResetAtEnd {
 public:
  explicit ResetAtEnd(sqlite3_stmt* statement) : statement_(statement) {}
  ~ResetAtEnd() {
    sqlite3_reset(statement_);
    sqlite3_clear_bindings(statement_);
  }
  ResetAtEnd(const ResetAtEnd&) = delete;
  ResetAtEnd& operator=(const ResetAtEnd&) = delete;

 private:
  sqlite3_stmt* statement_;
};

struct Binder {
  sqlite3_stmt* statement;
  int index;

  int operator()(std::nullptr_t) const { return sqlite3_bind_null(statement, index); }
  int operator()(int64_t value) const { return sqlite3_bind_int64(statement, index, value); }
  int operator()(std::string_view text) const {
    const char* data = text.data() == nullptr ? "" : text.data();
    return sqlite3_bind_text64(statement, index, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  int operator()(Bytes bytes) const {
    const char* data = bytes.view.data() == nullptr ? "" : bytes.view.data();
    return sqlite3_bind_blob64(statement, index, data, bytes.view.size(), SQLITE_STATIC);
  }
};

class SqliteRow final : public SqlRow {
 public:
  explicit SqliteRow(sqlite3_stmt* statement) : statement_(statement) {}

  int64_t Int(int column) const override { return sqlite3_column_int64(statement_, column); }

  std::string Text(int column) const override {
    const void* data = sqlite3_column_blob(statement_, column);
    if (data == nullptr) return "";
    return {static_cast<const char*>(data),
            static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
  }

 private:
  sqlite3_stmt* statement_;
};

constexpr SqlDialect kDialect{.json_list = [](std::string_view parameter) {
  return fmt::format("SELECT value FROM json_each({})", parameter);
}};

}  // namespace

absl::StatusOr<std::unique_ptr<SqliteConnection>> SqliteConnection::Open(const std::string& path,
                                                                         Access access) {
  const int mode = access == Access::kReadOnly ? SQLITE_OPEN_READONLY
                                               : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  sqlite3* database = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &database,
                                   mode | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nullptr);
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection(database));
  if (code != SQLITE_OK) return connection->ErrorNow(fmt::format("open {}", path));
  sqlite3_busy_timeout(database, kBusyTimeoutMs);
  return connection;
}

SqliteConnection::~SqliteConnection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close_v2(database_);
}

absl::Status SqliteConnection::ErrorNow(std::string_view doing) const {
  const int code = sqlite3_extended_errcode(database_);
  // The only triggers that abort are those of 003_tenants.
  if (code == SQLITE_CONSTRAINT_TRIGGER) {
    return Error(absl::StatusCode::kFailedPrecondition, sqlite3_errmsg(database_),
                 "TENANT_DELETED");
  }
  const auto error = [&](absl::StatusCode kind, std::string_view message, std::string_view reason) {
    return WithPrivateText(Error(kind, message, reason),
                           fmt::format("{}: {} ({})", doing, sqlite3_errmsg(database_), code));
  };
  switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      return error(absl::StatusCode::kUnavailable, "database: is busy or its disk fails",
                   "DATABASE_AWAY");
    case SQLITE_FULL:
      return error(absl::StatusCode::kResourceExhausted, "database: the disk is full", "DISK_FULL");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return error(absl::StatusCode::kDataLoss, "database: is damaged", "DATABASE_DAMAGED");
    default:
      return error(absl::StatusCode::kInternal, "database: failed", "DATABASE_FAILED");
  }
}

absl::Status SqliteConnection::Script(const char* sql) {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) {
    return ErrorNow("script");
  }
  return absl::OkStatus();
}

absl::StatusOr<sqlite3_stmt*> SqliteConnection::Prepare(std::string_view sql, SqlValues values) {
  auto found = statements_.find(sql);
  if (found == statements_.end()) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v3(database_, sql.data(), static_cast<int>(sql.size()),
                           SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
      return ErrorNow(sql);
    }
    found = statements_.emplace(sql, statement).first;
  }
  int index = 0;
  for (const SqlValue& value : values) {
    if (std::visit(Binder{found->second, ++index}, value) != SQLITE_OK) return ErrorNow(sql);
  }
  return found->second;
}

absl::StatusOr<int> SqliteConnection::Execute(std::string_view sql, SqlValues values) {
  ASSIGN_OR_RETURN(sqlite3_stmt* const statement, Prepare(sql, values));
  const ResetAtEnd reset(statement);
  if (sqlite3_step(statement) != SQLITE_DONE) return ErrorNow(sql);
  return sqlite3_changes(database_);
}

absl::Status SqliteConnection::Query(std::string_view sql, SqlValues values,
                                     const std::function<absl::Status(const SqlRow&)>& on_row) {
  ASSIGN_OR_RETURN(sqlite3_stmt* const statement, Prepare(sql, values));
  const ResetAtEnd reset(statement);
  for (;;) {
    const int code = sqlite3_step(statement);
    if (code == SQLITE_DONE) return absl::OkStatus();
    if (code != SQLITE_ROW) return ErrorNow(sql);
    RETURN_IF_ERROR(on_row(SqliteRow(statement)));
  }
}

const SqlDialect& SqliteConnection::dialect() const { return kDialect; }

absl::Status SqliteConnection::CopyTo(const std::string& path) {
  ASSIGN_OR_RETURN(const auto copy, Open(path, Access::kReadWrite));
  sqlite3_backup* const backup = sqlite3_backup_init(copy->database_, "main", database_, "main");
  if (backup == nullptr) return copy->ErrorNow("copy");
  // -1: all pages in one read transaction.
  sqlite3_backup_step(backup, -1);
  return sqlite3_backup_finish(backup) == SQLITE_OK ? absl::OkStatus() : copy->ErrorNow("copy");
}

bool SqliteConnection::InTransaction() const { return sqlite3_get_autocommit(database_) == 0; }

}  // namespace vico::server
