#include "server/sql/database.h"

#include <algorithm>
#include <array>
#include <chrono>
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

// Deleted content is overwritten, so that a deleted tenant's cannot be read from the file.
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

absl::StatusOr<std::unique_ptr<Database>> Database::Open(const std::string& path) {
  ASSIGN_OR_RETURN(auto writer, SqliteConnection::Open(path, SqliteConnection::Access::kReadWrite));
  RETURN_IF_ERROR(writer->Script(kWriterSettings));
  if (VICO_DEFECT("synchronous_normal")) {
    RETURN_IF_ERROR(writer->Script("PRAGMA synchronous = NORMAL"));
  }
  RETURN_IF_ERROR(CheckFile(*writer, path));
  RETURN_IF_ERROR(Migrate(*writer, path));
  return std::unique_ptr<Database>(new Database(path, std::move(writer)));
}

absl::StatusOr<std::unique_ptr<Database>> Database::Join(const std::string& path) {
  if (access(path.c_str(), F_OK) != 0) {
    return absl::FailedPreconditionError(fmt::format("database {}: is not there", path));
  }
  ASSIGN_OR_RETURN(auto writer, SqliteConnection::Open(path, SqliteConnection::Access::kReadWrite));
  RETURN_IF_ERROR(writer->Script(kWriterSettings));
  ASSIGN_OR_RETURN(const int64_t version, writer->QueryInt("PRAGMA user_version", {}, 0));
  if (version != static_cast<int64_t>(kMigrations.size())) {
    return absl::FailedPreconditionError(fmt::format(
        "database {}: has schema {}, this program's is {}", path, version, kMigrations.size()));
  }
  return std::unique_ptr<Database>(new Database(path, std::move(writer)));
}

Database::Database(std::string path, std::unique_ptr<SqliteConnection> writer)
    : path_(std::move(path)), writer_(std::move(writer)) {}

Database::~Database() {
  readers_.clear();
  // A log left behind is taken in at the next start.
  writer_->Script("PRAGMA wal_checkpoint(TRUNCATE)").IgnoreError();
}

absl::Status Database::Write(const Work& change) {
  Change mine{change, absl::OkStatus()};
  std::unique_lock lock(mutex_);
  waiting_.push_back(&mine);
  if (waiting_.size() >= gathering_) gathered_.notify_one();
  turn_.wait(lock, [&] { return mine.done || !leading_; });
  if (mine.done) return mine.status;

  leading_ = true;
  while (!mine.done) {
    Gather(lock);
    const size_t size = std::min(waiting_.size(), kMaxBatch);
    const std::vector<Change*> batch(waiting_.begin(), waiting_.begin() + size);
    waiting_.erase(waiting_.begin(), waiting_.begin() + size);
    lock.unlock();
    const auto begun = std::chrono::steady_clock::now();
    Commit(batch);
    lock.lock();
    commit_time_ = std::chrono::steady_clock::now() - begun;
    callers_ = size + waiting_.size();
    for (Change* committed : batch) committed->done = true;
    turn_.notify_all();
  }
  leading_ = false;
  turn_.notify_all();
  return mine.status;
}

// Those whom the last commit answered come again in a moment: without waiting for them the callers
// would fall into two halves that take turns, and each sync would serve one half.
void Database::Gather(std::unique_lock<std::mutex>& lock) {
  gathering_ = std::min(callers_, kMaxBatch);
  gathered_.wait_for(lock, std::min<std::chrono::nanoseconds>(commit_time_ / 4, kLongestGathering),
                     [this] { return waiting_.size() >= gathering_; });
  gathering_ = kNobodyGathers;
}

void Database::Commit(const std::vector<Change*>& batch) {
  absl::Status status = Health();
  if (status.ok()) status = Apply(batch);
  if (status.ok()) return;
  if (writer_->InTransaction()) writer_->Script("ROLLBACK").IgnoreError();
  for (Change* change : batch) {
    if (change->status.ok()) change->status = status;
  }
}

// The error, if any, is of all changes that have none of their own.
absl::Status Database::Apply(const std::vector<Change*>& batch) {
  if (VICO_DEFECT("reply_before_commit") && writer_->InTransaction())
    writer_->Script("COMMIT").IgnoreError();
  RETURN_IF_ERROR(writer_->Script("BEGIN IMMEDIATE"));
  for (Change* change : batch) {
    RETURN_IF_ERROR(writer_->Script("SAVEPOINT change"));
    change->status = change->work(*writer_);
    if (!writer_->InTransaction()) {  // SQLite gave up on all of it, as when the disk is full
      return change->status.ok() ? absl::InternalError("database: transaction ended")
                                 : change->status;
    }
    RETURN_IF_ERROR(writer_->Script(change->status.ok() ? "RELEASE change"
                                                        : "ROLLBACK TO change; RELEASE change"));
  }
  if (VICO_DEFECT("reply_before_commit")) return absl::OkStatus();
  absl::Status status = writer_->Script("COMMIT");
  if (status.ok()) status = VICO_FAILPOINT_STATUS("database.after_commit");
  if (absl::IsUnavailable(status) || absl::IsDataLoss(status) || absl::IsInternal(status)) {
    const std::lock_guard lock(mutex_);
    broken_ =
        WithPrivateText(absl::UnavailableError("the server must be restarted"), status.ToString());
  }
  return status;
}

absl::Status Database::Read(const Work& read) {
  std::unique_ptr<SqliteConnection> reader;
  {
    const std::lock_guard lock(mutex_);
    if (!readers_.empty()) {
      reader = std::move(readers_.back());
      readers_.pop_back();
    }
  }
  if (reader == nullptr) {
    ASSIGN_OR_RETURN(reader, SqliteConnection::Open(path_, SqliteConnection::Access::kReadOnly));
  }
  RETURN_IF_ERROR(reader->Script("BEGIN"));
  const absl::Status status = read(*reader);
  RETURN_IF_ERROR(reader->Script("COMMIT"));
  const std::lock_guard lock(mutex_);
  readers_.push_back(std::move(reader));
  return status;
}

absl::Status Database::TruncateLog() {
  ASSIGN_OR_RETURN(const auto connection,
                   SqliteConnection::Open(path_, SqliteConnection::Access::kReadWrite));
  return connection->Script("PRAGMA wal_checkpoint(TRUNCATE)");
}

absl::Status Database::Health() {
  const std::lock_guard lock(mutex_);
  return broken_;
}

}  // namespace vico::server
