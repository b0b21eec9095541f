// SQLite's C interface with C++ ownership and absl::Status, as a SqlSession.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "server/sql/sql_session.h"

struct sqlite3;
struct sqlite3_stmt;

namespace vico::server {

/// One thread at a time.
class SqliteConnection final : public SqlSession {
 public:
  enum class Access { kReadOnly, kReadWrite };
  static absl::StatusOr<std::unique_ptr<SqliteConnection>> Open(const std::string& path,
                                                                Access access);
  ~SqliteConnection() override;

  absl::Status Script(const char* sql) override;
  absl::StatusOr<int> Execute(std::string_view sql, SqlValues values = {}) override;
  absl::Status Query(std::string_view sql, SqlValues values,
                     const std::function<absl::Status(const SqlRow&)>& on_row) override;
  const SqlDialect& dialect() const override;
  absl::Status Lock(std::string_view) override { return absl::OkStatus(); }

  /// Copies one state of this database into a new file at `path`, durably. Others may read and
  /// write it meanwhile; later commits are not in the copy.
  absl::Status CopyTo(const std::string& path);

  /// Whether a transaction is open. SQLite ends one by itself after some errors.
  bool InTransaction() const;

  /// How many transactions of this connection have changed the file. Memory may run out after a
  /// commit, so that COMMIT returns an error and this number has risen.
  int64_t commits() const { return commits_; }

  /// Why the file cannot be used any more, or OK: the first error of this connection that says that
  /// the file is damaged (kDataLoss, reason DATABASE_DAMAGED) or that its disk fails (kUnavailable,
  /// reason DATABASE_DISK_FAILED).
  const absl::Status& fault() const { return fault_; }

  /// Records what a check of the file has found.
  void SetFault(const absl::Status& fault) { fault_ = fault; }

 private:
  explicit SqliteConnection(sqlite3* database);
  static int OnCommit(void* connection, sqlite3* database, const char* name, int frames);
  absl::StatusOr<sqlite3_stmt*> Prepare(std::string_view sql, SqlValues values);
  absl::Status ErrorNow(std::string_view doing) noexcept;

  sqlite3* database_;
  absl::Status fault_;
  int64_t commits_ = 0;
  std::map<std::string, sqlite3_stmt*, std::less<>> statements_;
};

}  // namespace vico::server
