#include "server/storage/readiness.h"

#include <algorithm>

#include "common/exception_status.h"
#include "common/status.h"

namespace vico::server {
namespace {

constexpr absl::Duration kInterval = absl::Seconds(1);
constexpr absl::Duration kLongestWrite = absl::Seconds(5);
constexpr size_t kProbeBytes = size_t{64} << 10;
constexpr int kRestOfCheck = 100;

}  // namespace

void Readiness::Start() {
  writing_ = std::make_unique<PeriodicThread>(kInterval, [this] { TryWrite(); });
  checking_ = std::make_unique<PeriodicThread>(kInterval, [this] { CheckDatabase(); });
}

void Readiness::Stop() {
  writing_.reset();
  checking_.reset();
}

absl::Status Readiness::Now() const {
  const MutexLock lock(mutex_);
  if (last_.ok() && writing_since_ && clock_.Uptime() - *writing_since_ > kLongestWrite) {
    return Error(absl::StatusCode::kUnavailable, "the disk does not answer", "DISK_STUCK");
  }
  return last_;
}

void Readiness::TryWrite() {
  {
    const MutexLock lock(mutex_);
    writing_since_ = clock_.Uptime();
  }
  const int64_t now = absl::ToUnixMicros(clock_.Now());
  absl::Status status = database_.Write([now](SqlSession& db) {
    return db.Send(R"(INSERT INTO readiness ("only", time) VALUES (1, ?) )"
                   R"(ON CONFLICT ("only") DO UPDATE SET time = excluded.time)",
                   {now});
  });
  if (status.ok()) status = WriteFile();
  bool changed = false;
  {
    const MutexLock lock(mutex_);
    changed = status.ok() != last_.ok();
    last_ = status;
    writing_since_.reset();
  }
  if (!changed) return;
  if (status.ok()) {
    log_.Info("the storage takes writes again");
  } else {
    log_.Error("the storage takes no writes", {{"error", status.ToString()}});
  }
}

absl::Status Readiness::WriteFile() {
  try {
    // Of a process that was killed.
    files_.Remove(probe_).IgnoreError();
    ASSIGN_OR_RETURN(const auto file, files_.Create(probe_));
    const absl::Status written = file->Append(std::string(kProbeBytes, 'r'));
    const absl::Status removed = files_.Remove(probe_);
    return written.ok() ? removed : written;
  } catch (...) {
    return StatusOfException();
  }
}

void Readiness::CheckDatabase() {
  const absl::Duration begun = clock_.Uptime();
  if (begun < next_check_) return;
  if (const absl::Status status = database_.Check(); !status.ok()) {
    log_.Error("the check of the database failed", {{"error", status.ToString()}});
  }
  const absl::Duration ended = clock_.Uptime();
  next_check_ = ended + std::max(absl::Seconds(5), kRestOfCheck * (ended - begun));
}

}  // namespace vico::server
