// Whether the data folder takes writes: a small transaction and a small file each second. And
// whether the database is sound: a check of its whole file from time to time.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mutex.h"
#include "common/periodic_thread.h"
#include "server/disk/files.h"
#include "server/sql/database.h"

namespace vico::server {

/// Any thread, except Start(), Stop() and the destructor.
class Readiness {
 public:
  /// `probe` is the path of a file that nothing else uses. The references must outlive it.
  Readiness(Database& database, Files& files, std::string probe, const Clock& clock, const Log& log)
      : database_(database), files_(files), probe_(std::move(probe)), clock_(clock), log_(log) {}

  /// Starts the threads that call TryWrite() and CheckDatabase(), and ends them.
  void Start();
  void Stop();

  /// OK, the error of the last TryWrite(), or kUnavailable, reason DISK_STUCK, when one has been
  /// running for more than 5 s.
  absl::Status Now() const;

  /// Writes the row of readiness and a file of 64 KiB, which it removes again.
  void TryWrite();

  /// Checks the whole database; what it finds becomes Database::Health(). Rests a hundred times as
  /// long as the check took, at least 5 s.
  void CheckDatabase();

 private:
  absl::Status WriteFile();

  Database& database_;
  Files& files_;
  const std::string probe_;
  const Clock& clock_;
  const Log log_;
  // Used by the thread of CheckDatabase().
  absl::Duration next_check_ = absl::ZeroDuration();

  mutable Mutex mutex_;
  absl::Status last_ ABSL_GUARDED_BY(mutex_);
  std::optional<absl::Duration> writing_since_ ABSL_GUARDED_BY(mutex_);

  // Last: they use the other members.
  std::unique_ptr<PeriodicThread> writing_;
  std::unique_ptr<PeriodicThread> checking_;
};

}  // namespace vico::server
