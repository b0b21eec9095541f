#include "server/sql/sqlite_database.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "common/failpoint.h"
#include "common/status.h"
#include "server/sql/migrations.h"

namespace vico::server {
namespace {

constexpr size_t kMaxBatch = 64;
constexpr auto kLongestGathering = std::chrono::milliseconds(2);

// secure_delete overwrites deleted content, so that a deleted tenant's data cannot be read from the
// file.
constexpr const char* kWriterSettings = R"sql(
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA foreign_keys = ON;
  PRAGMA journal_size_limit = 67108864;
  PRAGMA secure_delete = ON;
)sql";

absl::Status CheckFile(SqliteConnection& connection, const std::string& path) {
  std::string found;
  RETURN_IF_ERROR(connection.Query("PRAGMA quick_check(1)", {}, [&](const SqlRow& row) {
    found = row.Text(0);
    return absl::OkStatus();
  }));
  if (found == "ok") return absl::OkStatus();
  return absl::DataLossError(fmt::format("database {}: is damaged: {}", path, found));
}

absl::Status Migrate(SqliteConnection& connection, const std::string& path) {
  ASSIGN_OR_RETURN(const int64_t version, connection.QueryInt("PRAGMA user_version", {}, 0));
  const auto newest = static_cast<int64_t>(kMigrations.size());
  if (version > newest) {
    return absl::FailedPreconditionError(
        fmt::format("database {}: has schema {}, this program knows {}", path, version, newest));
  }
  for (int64_t next = version + 1; next <= newest; ++next) {
    const std::string script = fmt::format("BEGIN IMMEDIATE;\n{}\nPRAGMA user_version = {};",
                                           kMigrations[static_cast<size_t>(next - 1)], next);
    RETURN_IF_ERROR(connection.Script(script.c_str()));
    VICO_FAILPOINT("migrate.mid");
    RETURN_IF_ERROR(connection.Script("COMMIT"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> SqliteDatabase::Open(const std::string& path) {
  ASSIGN_OR_RETURN(auto writer, SqliteConnection::Open(path, SqliteConnection::Access::kReadWrite));
  RETURN_IF_ERROR(writer->Script(kWriterSettings));
  RETURN_IF_ERROR(CheckFile(*writer, path));
  RETURN_IF_ERROR(Migrate(*writer, path));
  return std::unique_ptr<Database>(new SqliteDatabase(path, std::move(writer)));
}

absl::StatusOr<std::unique_ptr<Database>> SqliteDatabase::Join(const std::string& path) {
  if (access(path.c_str(), F_OK) != 0) {
    return absl::FailedPreconditionError(fmt::format("database {}: does not exist", path));
  }
  ASSIGN_OR_RETURN(auto writer, SqliteConnection::Open(path, SqliteConnection::Access::kReadWrite));
  RETURN_IF_ERROR(writer->Script(kWriterSettings));
  ASSIGN_OR_RETURN(const int64_t version, writer->QueryInt("PRAGMA user_version", {}, 0));
  if (version != static_cast<int64_t>(kMigrations.size())) {
    return absl::FailedPreconditionError(fmt::format(
        "database {}: has schema {}, this program's is {}", path, version, kMigrations.size()));
  }
  return std::unique_ptr<Database>(new SqliteDatabase(path, std::move(writer)));
}

SqliteDatabase::SqliteDatabase(std::string path, std::unique_ptr<SqliteConnection> writer)
    : path_(std::move(path)), writer_(std::move(writer)) {}

SqliteDatabase::~SqliteDatabase() {
  idle_readers_.clear();
  // If this fails, the next start applies the log.
  writer_->Script("PRAGMA wal_checkpoint(TRUNCATE)").IgnoreError();
}

absl::Status SqliteDatabase::Write(const Work& change) {
  Change mine{change, absl::OkStatus()};
  MutexLock lock(mutex_);
  waiting_.push_back(&mine);
  if (waiting_.size() >= gathering_) gathered_.NotifyOne();
  turn_.Wait(mutex_, [&] {
    mutex_.AssertHeld();
    return mine.done || !leading_;
  });
  if (mine.done) return mine.status;

  leading_ = true;
  while (!mine.done) {
    Gather();
    const auto size = static_cast<std::ptrdiff_t>(std::min(waiting_.size(), kMaxBatch));
    const std::vector<Change*> batch(waiting_.begin(), waiting_.begin() + size);
    waiting_.erase(waiting_.begin(), waiting_.begin() + size);
    lock.Unlock();
    const auto begun = std::chrono::steady_clock::now();
    Commit(batch);
    lock.Lock();
    commit_time_ = std::chrono::steady_clock::now() - begun;
    callers_ = size + waiting_.size();
    for (Change* committed : batch) committed->done = true;
    turn_.NotifyAll();
  }
  leading_ = false;
  turn_.NotifyAll();
  return mine.status;
}

// The callers of the last commit usually return at once. If the leader did not wait for them, the
// callers would split into two halves that take turns, and each sync would serve one half.
void SqliteDatabase::Gather() {
  gathering_ = std::min(callers_, kMaxBatch);
  gathered_.WaitFor(mutex_, std::min<std::chrono::nanoseconds>(commit_time_ / 4, kLongestGathering),
                    [this] {
                      mutex_.AssertHeld();
                      return waiting_.size() >= gathering_;
                    });
  gathering_ = kNobodyGathers;
}

void SqliteDatabase::Commit(const std::vector<Change*>& batch) {
  absl::Status status = Health();
  if (status.ok()) status = Apply(batch);
  if (status.ok()) return;
  if (writer_->InTransaction()) writer_->Script("ROLLBACK").IgnoreError();
  for (Change* change : batch) {
    if (change->status.ok()) change->status = status;
  }
}

// The returned error applies to every change that has none of its own.
absl::Status SqliteDatabase::Apply(const std::vector<Change*>& batch) {
  RETURN_IF_ERROR(writer_->Script("BEGIN IMMEDIATE"));
  for (Change* change : batch) {
    RETURN_IF_ERROR(writer_->Script("SAVEPOINT change"));
    change->status = change->work(*writer_);
    // SQLite rolled back the whole transaction, as when the disk is full.
    if (!writer_->InTransaction()) {
      return change->status.ok() ? absl::InternalError("database: transaction ended")
                                 : change->status;
    }
    RETURN_IF_ERROR(writer_->Script(change->status.ok() ? "RELEASE change"
                                                        : "ROLLBACK TO change; RELEASE change"));
  }
  absl::Status status = writer_->Script("COMMIT");
  if (status.ok()) status = VICO_FAILPOINT_STATUS("database.after_commit");
  if (absl::IsUnavailable(status) || absl::IsDataLoss(status) || absl::IsInternal(status)) {
    const MutexLock lock(mutex_);
    broken_ =
        WithPrivateText(absl::UnavailableError("the server must be restarted"), status.ToString());
  }
  return status;
}

absl::Status SqliteDatabase::Read(const Work& read) {
  std::unique_ptr<SqliteConnection> reader;
  {
    const MutexLock lock(mutex_);
    if (!idle_readers_.empty()) {
      reader = std::move(idle_readers_.back());
      idle_readers_.pop_back();
    }
  }
  if (reader == nullptr) {
    ASSIGN_OR_RETURN(reader, SqliteConnection::Open(path_, SqliteConnection::Access::kReadOnly));
  }
  RETURN_IF_ERROR(reader->Script("BEGIN"));
  absl::Status status = read(*reader);
  RETURN_IF_ERROR(reader->Script("COMMIT"));
  const MutexLock lock(mutex_);
  idle_readers_.push_back(std::move(reader));
  return status;
}

absl::Status SqliteDatabase::TruncateLog() {
  ASSIGN_OR_RETURN(const auto connection,
                   SqliteConnection::Open(path_, SqliteConnection::Access::kReadWrite));
  return connection->Script("PRAGMA wal_checkpoint(TRUNCATE)");
}

absl::Status SqliteDatabase::Health() const {
  const MutexLock lock(mutex_);
  return broken_;
}

}  // namespace vico::server
