// The embedded database: one file, one writer at a time, readers beside it. Changes that wait for
// the writer at the same moment share one commit, hence one sync of the disk.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "server/sql/sqlite.h"

namespace vico::server {

/// Any thread.
class Database {
 public:
  /// Makes the file or brings it to the newest schema. kDataLoss when SQLite finds it damaged,
  /// kFailedPrecondition when a newer program has written it.
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path);

  /// Opens the file beside the server that has it. kFailedPrecondition when there is none, or when
  /// its schema is not this program's.
  static absl::StatusOr<std::unique_ptr<Database>> Join(const std::string& path);
  ~Database();

  using Work = std::function<absl::Status(SqliteConnection&)>;

  /// All of `change` or nothing: OK when it returned OK and is durable. It sees everything
  /// committed before, and nobody else writes meanwhile. It runs on this or another caller's
  /// thread.
  absl::Status Write(const Work& change);

  /// `read` sees one state of the database, with all that was committed before the call.
  absl::Status Read(const Work& read);

  /// Takes the log of changes in and cuts it to nothing, so that what was deleted is on the disk no
  /// more.
  absl::Status TruncateLog();

  /// OK, or why nothing can be written any more: after a failed sync nobody knows what is on the
  /// disk, so the process has to end and start again.
  absl::Status Health();

 private:
  struct Change {
    const Work& work;
    absl::Status status;
    bool done = false;
  };

  static constexpr size_t kNobodyGathers = SIZE_MAX;

  Database(std::string path, std::unique_ptr<SqliteConnection> writer);
  void Gather(std::unique_lock<std::mutex>& lock);
  void Commit(const std::vector<Change*>& batch);
  absl::Status Apply(const std::vector<Change*>& batch);

  const std::string path_;
  const std::unique_ptr<SqliteConnection> writer_;  // the leader's

  std::mutex mutex_;
  std::condition_variable turn_;
  std::condition_variable gathered_;
  std::deque<Change*> waiting_;                             // guarded by mutex_
  size_t gathering_ = kNobodyGathers;                       // how many the leader waits for; ditto
  size_t callers_ = 1;                                      // at the last commit; ditto
  std::chrono::nanoseconds commit_time_{0};                 // of the last commit; ditto
  bool leading_ = false;                                    // guarded by mutex_
  absl::Status broken_;                                     // guarded by mutex_
  std::vector<std::unique_ptr<SqliteConnection>> readers_;  // idle ones; guarded by mutex_
};

}  // namespace vico::server
