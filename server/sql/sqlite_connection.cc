#include "server/sql/sqlite_connection.h"

#include <cerrno>
#include <new>

#include <fmt/format.h>
#include <sqlite3.h>

#include "common/status.h"

namespace vico::server {
namespace {

constexpr int kBusyTimeoutMs = 5000;
constexpr int kFramesOfLog = 1000;  // of 4 KiB, from which on a commit checkpoints the log

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

/// The statement without a row lock at its end.
std::string_view WithoutRowLock(std::string_view sql) {
  for (const std::string_view lock : {" FOR NO KEY UPDATE", " FOR SHARE", " FOR UPDATE"}) {
    sql = sql.substr(0, sql.rfind(lock));
  }
  return sql;
}

struct ErrorKind {
  absl::StatusCode code;
  std::string_view message;
  std::string_view reason;
  bool is_fault = false;  // the file cannot be used any more
};

constexpr ErrorKind kAway{absl::StatusCode::kUnavailable, "database: is busy or cannot be opened",
                          "DATABASE_AWAY"};
constexpr ErrorKind kDiskFull{absl::StatusCode::kResourceExhausted, "database: the disk is full",
                              "DISK_FULL"};
constexpr ErrorKind kOutOfMemory{absl::StatusCode::kResourceExhausted, "database: out of memory",
                                 "OUT_OF_MEMORY"};

// The error of the last failed operation on the log.
int ErrorOfLog(sqlite3* database) {
  sqlite3_file* log = nullptr;
  int error = 0;
  if (sqlite3_file_control(database, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK &&
      log != nullptr && log->pMethods != nullptr) {
    log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &error);
  }
  return error;
}

// The system's error behind `code`. SQLite 3.40 does not keep that of a COMMIT, which writes to the
// log.
int SystemError(sqlite3* database, int code) {
  const int kept = sqlite3_system_errno(database);
  if (code != SQLITE_IOERR_WRITE) return kept;
  const int of_log = ErrorOfLog(database);
  return of_log != 0 ? of_log : kept;
}

// SQLite reports only ENOSPC as a full disk. After a failed sync the state of the disk is unknown,
// whatever the reason.
bool IsFullDisk(int code, int system_error) {
  const bool full = system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG;
  return full && code != SQLITE_IOERR_FSYNC && code != SQLITE_IOERR_DIR_FSYNC;
}

ErrorKind KindOf(int code, int system_error) {
  switch (code) {
    case SQLITE_CONSTRAINT_TRIGGER:
      return {absl::StatusCode::kFailedPrecondition, "", "TENANT_DELETED"};
    case SQLITE_IOERR_NOMEM:
      return kOutOfMemory;
    default:
      break;
  }
  switch (code & 0xFF) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CANTOPEN:
      return kAway;
    case SQLITE_IOERR:
      if (system_error == ENOMEM) return kOutOfMemory;
      if (system_error == EMFILE || system_error == ENFILE) return kAway;
      if (IsFullDisk(code, system_error)) return kDiskFull;
      return {absl::StatusCode::kUnavailable, "database: its disk fails", "DATABASE_DISK_FAILED",
              true};
    case SQLITE_READONLY:
      return {absl::StatusCode::kUnavailable, "database: its file is read-only",
              "DATABASE_READ_ONLY"};
    case SQLITE_FULL:
      return kDiskFull;
    case SQLITE_NOMEM:
      return kOutOfMemory;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return {absl::StatusCode::kDataLoss, "database: is damaged", "DATABASE_DAMAGED", true};
    default:
      return {absl::StatusCode::kInternal, "database: failed", "DATABASE_FAILED"};
  }
}

// Finalizes a statement that did not get into the map of its connection.
struct Finalize {
  void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
};

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
  // SQLite opens a file that it may not write for reading.
  if (access == Access::kReadWrite && sqlite3_db_readonly(database, "main") == 1) {
    return Error(absl::StatusCode::kFailedPrecondition,
                 fmt::format("database {}: is read-only for this user", path),
                 "DATABASE_READ_ONLY");
  }
  sqlite3_busy_timeout(database, kBusyTimeoutMs);
  return connection;
}

SqliteConnection::SqliteConnection(sqlite3* database) : database_(database) {
  // SQLite may have had no memory for a handle.
  if (database_ != nullptr) sqlite3_wal_hook(database_, OnCommit, this);
}

/// SQLite calls it after each commit. It takes the place of SQLite's own hook, which checkpoints
/// the log too, but hides errors.
int SqliteConnection::OnCommit(void* connection, sqlite3* database, const char* name, int frames) {
  auto& self = *static_cast<SqliteConnection*>(connection);
  ++self.commits_;
  if (frames >= kFramesOfLog) {
    const int code =
        sqlite3_wal_checkpoint_v2(database, name, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
    // A full disk or a reader only delays it. A fault is recorded.
    if (code != SQLITE_OK) self.ErrorNow("checkpoint").IgnoreError();
  }
  return SQLITE_OK;
}

SqliteConnection::~SqliteConnection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close_v2(database_);
}

absl::Status SqliteConnection::ErrorNow(std::string_view doing) noexcept {
  const int code = sqlite3_extended_errcode(database_);
  const ErrorKind kind = KindOf(code, SystemError(database_, code));
  absl::Status error(kind.code, "");
  try {
    // The only triggers that abort are those of 003_tenants and 010_quotas.
    if (code == SQLITE_CONSTRAINT_TRIGGER) {
      return Error(kind.code, sqlite3_errmsg(database_), kind.reason);
    }
    error = WithPrivateText(Error(kind.code, kind.message, kind.reason),
                            fmt::format("{}: {} ({})", doing, sqlite3_errmsg(database_), code));
  } catch (const std::bad_alloc&) {
    // The code alone says what the caller may do.
  }
  if (kind.is_fault && fault_.ok()) fault_ = error;
  return error;
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
    const std::string_view text = WithoutRowLock(sql);
    if (sqlite3_prepare_v3(database_, text.data(), static_cast<int>(text.size()),
                           SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK) {
      return ErrorNow(sql);
    }
    std::unique_ptr<sqlite3_stmt, Finalize> owner(statement);
    found = statements_.emplace(sql, nullptr).first;
    found->second = owner.release();
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
  // -1: all pages in one read transaction. The end reports every error but a busy database, after
  // which it returns OK for a copy without pages.
  const int stepped = sqlite3_backup_step(backup, -1);
  if (sqlite3_backup_finish(backup) != SQLITE_OK) return copy->ErrorNow("copy");
  if (stepped == SQLITE_DONE) return absl::OkStatus();
  return Error(kAway.code, kAway.message, kAway.reason);
}

bool SqliteConnection::InTransaction() const { return sqlite3_get_autocommit(database_) == 0; }

}  // namespace vico::server
