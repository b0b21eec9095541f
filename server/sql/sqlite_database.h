// A database in one SQLite file: one writer at a time, readers beside it. Changes that wait for the
// writer at the same time share one commit, and so one sync of the disk.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "common/mutex.h"
#include "server/sql/database.h"
#include "server/sql/sqlite_connection.h"

namespace vico::server {

class SqliteDatabase final : public Database {
 public:
  /// Creates the file or migrates it to the newest schema. kDataLoss when SQLite finds it damaged,
  /// kFailedPrecondition when a newer program has written it.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path);

  /// Opens the file while a server has it open. kFailedPrecondition when the file does not exist,
  /// or when its schema is not this program's.
  static absl::StatusOr<std::unique_ptr<Database>> Join(const std::string& path);
  ~SqliteDatabase() override;

  absl::Status Write(const Work& change) override;
  absl::Status Read(const Work& read) override;
  absl::Status Health() const override;
  absl::Status TruncateLog() override;

 private:
  struct Change {
    const Work& work;
    absl::Status status;
    bool done = false;
  };

  static constexpr size_t kNobodyGathers = SIZE_MAX;

  SqliteDatabase(std::string path, std::unique_ptr<SqliteConnection> writer);
  void Gather() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Commit(const std::vector<Change*>& batch);
  absl::Status Apply(const std::vector<Change*>& batch);

  const std::string path_;
  // Used by the leader only: the caller of Write that commits for all waiting callers.
  const std::unique_ptr<SqliteConnection> writer_;

  mutable Mutex mutex_;
  CondVar turn_;
  CondVar gathered_;
  std::deque<Change*> waiting_ ABSL_GUARDED_BY(mutex_);
  // How many changes the leader waits for.
  size_t gathering_ ABSL_GUARDED_BY(mutex_) = kNobodyGathers;
  // Callers at the last commit, and how long it took.
  size_t callers_ ABSL_GUARDED_BY(mutex_) = 1;
  std::chrono::nanoseconds commit_time_ ABSL_GUARDED_BY(mutex_){0};
  bool leading_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status broken_ ABSL_GUARDED_BY(mutex_);
  std::vector<std::unique_ptr<SqliteConnection>> idle_readers_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace vico::server
