// A clock that tests move.
#pragma once

#include "common/clock.h"
#include "common/mutex.h"

namespace vico {

/// Any thread.
class FakeClock final : public Clock {
 public:
  absl::Time Now() const override {
    const MutexLock lock(mutex_);
    return start_ + uptime_ + wall_jump_;
  }

  absl::Duration Uptime() const override {
    const MutexLock lock(mutex_);
    return uptime_;
  }

  void Advance(absl::Duration time) {
    const MutexLock lock(mutex_);
    uptime_ += time;
  }

  /// Moves wall time only, like a change of the machine's clock.
  void JumpWall(absl::Duration jump) {
    const MutexLock lock(mutex_);
    wall_jump_ += jump;
  }

 private:
  const absl::Time start_ = absl::FromUnixSeconds(1'800'000'000);
  mutable Mutex mutex_;
  absl::Duration uptime_ ABSL_GUARDED_BY(mutex_) = absl::Seconds(1000);
  absl::Duration wall_jump_ ABSL_GUARDED_BY(mutex_) = absl::ZeroDuration();
};

}  // namespace vico
