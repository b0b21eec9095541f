// Time, handed in.
#pragma once

#include <ctime>

#include <absl/time/clock.h>
#include <absl/time/time.h>

namespace vico {

/// Any thread.
class Clock {
 public:
  virtual ~Clock() = default;

  /// Wall time: what people are shown. It may jump, so nothing is decided by it.
  virtual absl::Time Now() const = 0;

  /// Time since some fixed point of this boot, sleep included; never goes back. Leases and waits
  /// are decided by it.
  virtual absl::Duration Uptime() const = 0;
};

class SystemClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }

  absl::Duration Uptime() const override {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return absl::DurationFromTimespec(now);
  }
};

}  // namespace vico
