#include "server/sql/sqlite_database.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <new>
#include <utility>

#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/exception_status.h"
#include "common/failpoint.h"
#include "common/status.h"
#include "server/sql/migrations.h"

namespace vico::server {
namespace {

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

absl::Status Damaged(std::string_view found) {
  return WithPrivateText(
      Error(absl::StatusCode::kDataLoss, "database: is damaged", "DATABASE_DAMAGED"), found);
}

/// The checks report a page for which there was no memory as a fault of the file.
bool IsForWantOfMemory(std::string_view found) {
  return found.ends_with(fmt::format("unable to get the page. error code={}", SQLITE_NOMEM)) ||
         found.ends_with(fmt::format("unable to get the page. error code={}", SQLITE_IOERR_NOMEM));
}

/// `pragma` is quick_check or integrity_check.
absl::Status CheckFile(SqliteConnection& connection, std::string_view pragma) {
  std::string found;
  RETURN_IF_ERROR(connection.Query(pragma, {}, [&](const SqlRow& row) {
    found = row.Text(0);
    return absl::OkStatus();
  }));
  if (found == "ok") return absl::OkStatus();
  if (IsForWantOfMemory(found)) {
    return Error(absl::StatusCode::kResourceExhausted, "database: out of memory", "OUT_OF_MEMORY");
  }
  connection.SetFault(Damaged(found));
  return connection.fault();
}

absl::Status Guarded(const Database::Work& work, SqlSession& session) noexcept {
  try {
    return work(session);
  } catch (...) {
    return StatusOfException();
  }
}

absl::Status Migrate(SqliteConnection& connection, const std::string& path) {
  ASSIGN_OR_RETURN(const int64_t version, connection.QueryInt("PRAGMA user_version", {}, 0));
  if (version > NewestSchema()) return CheckNewerSchema(connection, path, version);
  for (const Migration& migration : SqliteMigrations()) {
    if (migration.number <= version) continue;
    const std::string script = fmt::format("BEGIN IMMEDIATE;\n{}\nPRAGMA user_version = {};",
                                           migration.script, migration.number);
    RETURN_IF_ERROR(connection.Script(script.c_str()));
    if (migration.number >= kFirstMigrationRow) {
      RETURN_IF_ERROR(InsertMigrationRow(connection, migration));
    }
    VICO_FAILPOINT("migrate.mid");
    RETURN_IF_ERROR(connection.Script("COMMIT"));
  }
  return absl::OkStatus();
}

/// In builds with failpoints it takes memory. Without any, what is committed stays so.
absl::Status AfterCommit() noexcept {
  try {
    return VICO_FAILPOINT_STATUS("database.after_commit");
  } catch (const std::bad_alloc&) {
    return absl::OkStatus();
  }
}

absl::Status MakeReady(SqliteConnection& connection, const std::string& path) {
  RETURN_IF_ERROR(connection.Script(kWriterSettings));
  RETURN_IF_ERROR(CheckFile(connection, "PRAGMA quick_check(1)"));
  return Migrate(connection, path);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> SqliteDatabase::Open(const std::string& path) {
  ASSIGN_OR_RETURN(auto writer, SqliteConnection::Open(path, SqliteConnection::Access::kReadWrite));
  const absl::Status ready = MakeReady(*writer, path);
  if (absl::IsDataLoss(ready)) {
    return WithReason(
        absl::DataLossError(fmt::format("database {}: is damaged: {}", path, PrivateText(ready))),
        Reason(ready));
  }
  RETURN_IF_ERROR(ready);
  return std::unique_ptr<Database>(new SqliteDatabase(path, std::move(writer)));
}

absl::StatusOr<std::unique_ptr<Database>> SqliteDatabase::Join(const std::string& path) {
  if (access(path.c_str(), F_OK) != 0) {
    return absl::FailedPreconditionError(fmt::format("database {}: does not exist", path));
  }
  ASSIGN_OR_RETURN(auto writer, SqliteConnection::Open(path, SqliteConnection::Access::kReadWrite));
  RETURN_IF_ERROR(writer->Script(kWriterSettings));
  ASSIGN_OR_RETURN(const int64_t version, writer->QueryInt("PRAGMA user_version", {}, 0));
  if (version < NewestSchema()) return SchemaTooOld(path, version);
  if (version > NewestSchema()) RETURN_IF_ERROR(CheckNewerSchema(*writer, path, version));
  return std::unique_ptr<Database>(new SqliteDatabase(path, std::move(writer)));
}

SqliteDatabase::SqliteDatabase(std::string path, std::unique_ptr<SqliteConnection> writer)
    : path_(std::move(path)), file_(IdentityOf(path_)), writer_(std::move(writer)) {}

/// Zeros when there is no file or it cannot be looked up, with the reason in errno.
SqliteDatabase::FileIdentity SqliteDatabase::IdentityOf(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return {};
  return {info.st_dev, info.st_ino};
}

SqliteDatabase::~SqliteDatabase() {
  idle_readers_.clear();
  // If this fails, the next start applies the log.
  writer_->Script("PRAGMA wal_checkpoint(TRUNCATE)").IgnoreError();
}

void SqliteDatabase::Enqueue(Change& change) {
  (last_ == nullptr ? first_ : last_->next) = &change;
  last_ = &change;
  ++waiting_;
}

/// Takes the oldest changes off the list. Returns how many.
size_t SqliteDatabase::Dequeue(std::span<Change*> into) {
  size_t taken = 0;
  for (; taken < into.size() && first_ != nullptr; ++taken) {
    into[taken] = first_;
    first_ = first_->next;
  }
  if (first_ == nullptr) last_ = nullptr;
  waiting_ -= taken;
  return taken;
}

// The leader commits for others, so nothing in here needs memory or throws.
absl::Status SqliteDatabase::Write(const Work& change) {
  Change mine{change};
  MutexLock lock(mutex_);
  Enqueue(mine);
  if (waiting_ >= gathering_) gathered_.NotifyOne();
  turn_.Wait(mutex_, [&] {
    mutex_.AssertHeld();
    return mine.done || !leading_;
  });
  if (mine.done) return mine.status;

  leading_ = true;
  while (!mine.done) {
    Gather();
    std::array<Change*, kMaxBatch> taken;
    const Batch batch(taken.data(), Dequeue(taken));
    lock.Unlock();
    const auto begun = std::chrono::steady_clock::now();
    Commit(batch);
    lock.Lock();
    commit_time_ = std::chrono::steady_clock::now() - begun;
    callers_ = batch.size() + waiting_;
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
                      return waiting_ >= gathering_;
                    });
  gathering_ = kNobodyGathers;
}

void SqliteDatabase::Commit(Batch batch) noexcept {
  absl::Status status;
  try {
    status = Health();
    if (status.ok()) status = Apply(batch);
  } catch (...) {
    status = StatusOfException();
  }
  if (!writer_->fault().ok()) Break(writer_->fault());
  if (status.ok()) return;
  RollBack();
  for (Change* change : batch) {
    if (change->status.ok()) change->status = status;
  }
}

void SqliteDatabase::RollBack() noexcept {
  if (!writer_->InTransaction()) return;
  try {
    writer_->Script("ROLLBACK").IgnoreError();
  } catch (...) {
    StatusOfException().IgnoreError();
  }
  must_roll_back_ = writer_->InTransaction();
}

// The returned error applies to every change that has none of its own.
absl::Status SqliteDatabase::Apply(Batch batch) {
  if (must_roll_back_) RETURN_IF_ERROR(writer_->Script("ROLLBACK"));
  must_roll_back_ = false;
  RETURN_IF_ERROR(writer_->Script("BEGIN IMMEDIATE"));
  for (Change* change : batch) {
    RETURN_IF_ERROR(writer_->Script("SAVEPOINT change"));
    change->status = Guarded(change->work, *writer_);
    // SQLite rolled back the whole transaction, as when the disk is full.
    if (!writer_->InTransaction()) {
      return change->status.ok() ? absl::InternalError("database: transaction ended")
                                 : change->status;
    }
    RETURN_IF_ERROR(writer_->Script(change->status.ok() ? "RELEASE change"
                                                        : "ROLLBACK TO change; RELEASE change"));
  }
  const int64_t commits = writer_->commits();
  absl::Status status = writer_->Script("COMMIT");
  if (writer_->commits() > commits) status = absl::OkStatus();
  if (status.ok()) status = AfterCommit();
  if (absl::IsUnavailable(status) || absl::IsDataLoss(status) || absl::IsInternal(status)) {
    Break(status);
  }
  return status;
}

/// Nothing is written from now on. The first reason stays.
void SqliteDatabase::Break(const absl::Status& why) noexcept {
  absl::Status broken = absl::UnavailableError("");
  try {
    broken = absl::IsDataLoss(why)
                 ? why
                 : WithPrivateText(Error(absl::StatusCode::kUnavailable,
                                         "the server must be restarted", Reason(why)),
                                   why.ToString());
  } catch (...) {
    StatusOfException().IgnoreError();
  }
  const MutexLock lock(mutex_);
  if (broken_.ok()) broken_ = broken;
}

absl::Status SqliteDatabase::Read(const Work& read) {
  try {
    return ReadOnce(read);
  } catch (...) {
    return StatusOfException();
  }
}

absl::Status SqliteDatabase::ReadOnce(const Work& read) {
  std::unique_ptr<SqliteConnection> reader;
  {
    const MutexLock lock(mutex_);
    if (absl::IsDataLoss(broken_)) return broken_;
    if (!idle_readers_.empty()) {
      reader = std::move(idle_readers_.back());
      idle_readers_.pop_back();
    }
  }
  if (reader == nullptr) {
    ASSIGN_OR_RETURN(reader, SqliteConnection::Open(path_, SqliteConnection::Access::kReadOnly));
  }
  absl::Status status = reader->Script("BEGIN");
  if (status.ok()) {
    status = Guarded(read, *reader);
    const absl::Status ended = reader->Script("COMMIT");
    if (!ended.ok()) status = ended;
  }
  if (!reader->fault().ok()) {
    Break(reader->fault());
    return reader->fault();
  }
  if (reader->InTransaction()) return status;
  const MutexLock lock(mutex_);
  idle_readers_.push_back(std::move(reader));
  return status;
}

absl::Status SqliteDatabase::Check() {
  const FileIdentity now = IdentityOf(path_);
  if (now == FileIdentity() && errno != ENOENT && errno != ENOTDIR) {
    return Error(absl::StatusCode::kUnavailable, "database: its file cannot be looked up",
                 "DATABASE_AWAY");
  }
  if (now != file_) {
    Break(Error(absl::StatusCode::kDataLoss, "database: its file was deleted, moved or replaced",
                "DATABASE_DAMAGED"));
    return Health();
  }
  // A connection of its own has no pages in memory.
  ASSIGN_OR_RETURN(const auto connection,
                   SqliteConnection::Open(path_, SqliteConnection::Access::kReadOnly));
  absl::Status status = CheckFile(*connection, "PRAGMA integrity_check(1)");
  if (!connection->fault().ok()) Break(connection->fault());
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
