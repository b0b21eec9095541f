// A database in one SQLite file: one writer at a time, readers beside it. Changes that wait for the
// writer at the same time share one commit, and so one sync of the disk.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/mutex.h"
#include "server/sql/database.h"
#include "server/sql/sqlite_connection.h"

namespace vico::server {

class SqliteDatabase final : public Database {
 public:
  /// Creates the file or migrates it to the newest schema. kDataLoss, reason DATABASE_DAMAGED, when
  /// SQLite finds it damaged, kFailedPrecondition when its schema is too new for this program
  /// (reason DATABASE_TOO_NEW) or when it is read-only (reason DATABASE_READ_ONLY).
  static absl::StatusOr<std::unique_ptr<Database>> Open(const std::string& path);

  /// Opens the file while a server has it open. kFailedPrecondition when the file does not exist,
  /// or when its schema does not fit this program (reasons DATABASE_TOO_NEW and _TOO_OLD).
  static absl::StatusOr<std::unique_ptr<Database>> Join(const std::string& path);
  ~SqliteDatabase() override;

  absl::Status Write(const Work& change) override;
  absl::Status Read(const Work& read) override;
  absl::Status Health() const override;
  /// Also finds a file that has lost its name: it was deleted, moved or replaced.
  absl::Status Check() override;
  absl::Status TruncateLog() override;

 private:
  /// A call of Write. It waits in a list through `next`, so that waiting needs no memory.
  struct Change {
    const Work& work;
    absl::Status status{};
    bool done = false;
    Change* next = nullptr;
  };
  using Batch = std::span<Change* const>;

  using FileIdentity = std::pair<uint64_t, uint64_t>;

  static constexpr size_t kMaxBatch = 64;
  static constexpr size_t kNobodyGathers = SIZE_MAX;

  SqliteDatabase(std::string path, std::unique_ptr<SqliteConnection> writer);
  void Enqueue(Change& change) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  size_t Dequeue(std::span<Change*> into) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Gather() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Commit(Batch batch) noexcept;
  absl::Status Apply(Batch batch);
  void RollBack() noexcept;
  absl::Status ReadOnce(const Work& read);
  static FileIdentity IdentityOf(const std::string& path);
  void Break(const absl::Status& why) noexcept;

  const std::string path_;
  // What the path named when the database was opened: device and inode.
  const FileIdentity file_;
  // Used by the leader only: the caller of Write that commits for all waiting callers.
  const std::unique_ptr<SqliteConnection> writer_;
  // The last rollback failed, for want of memory: it comes before the next transaction.
  bool must_roll_back_ = false;

  mutable Mutex mutex_;
  CondVar turn_;
  CondVar gathered_;
  // The list of changes that wait, oldest first.
  Change* first_ ABSL_GUARDED_BY(mutex_) = nullptr;
  Change* last_ ABSL_GUARDED_BY(mutex_) = nullptr;
  size_t waiting_ ABSL_GUARDED_BY(mutex_) = 0;
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
