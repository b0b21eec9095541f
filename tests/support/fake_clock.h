// A clock that stands still until told.
#pragma once

#include <mutex>

#include "common/clock.h"

namespace vico {

/// Any thread.
class FakeClock final : public Clock {
 public:
  absl::Time Now() const override {
    const std::lock_guard lock(mutex_);
    return start_ + uptime_ + wall_jump_;
  }

  absl::Duration Uptime() const override {
    const std::lock_guard lock(mutex_);
    return uptime_;
  }

  void Advance(absl::Duration time) {
    const std::lock_guard lock(mutex_);
    uptime_ += time;
  }

  /// As when someone sets the machine's clock.
  void JumpWall(absl::Duration jump) {
    const std::lock_guard lock(mutex_);
    wall_jump_ += jump;
  }

 private:
  mutable std::mutex mutex_;
  const absl::Time start_ = absl::FromUnixSeconds(1'800'000'000);
  absl::Duration uptime_ = absl::Seconds(1000);
  absl::Duration wall_jump_ = absl::ZeroDuration();
};

}  // namespace vico
