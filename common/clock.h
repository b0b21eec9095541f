// The clock, an interface so that tests can control time.
#pragma once

#include <ctime>

#include <absl/time/clock.h>
#include <absl/time/time.h>

namespace vico {

/// Any thread.
class Clock {
 public:
  virtual ~Clock() = default;

  /// Wall time, for timestamps that people read. It may jump, so it decides nothing.
  virtual absl::Time Now() const = 0;

  /// Monotonic time since the machine booted, time in sleep included. Leases and timeouts use it.
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
