// The time by which a store decides: epoch time that ignores changes of the wall clock.
#pragma once

#include <functional>
#include <utility>

#include "common/clock.h"

namespace vico::server {

/// Any thread. Leases, waits and ages are stored in it, so that a restarted server, or another one,
/// can compare them.
class StoreClock {
 public:
  /// Starts as the wall clock and advances with the uptime. `clock` must outlive it.
  explicit StoreClock(const Clock& clock)
      : clock_(clock), zero_([zero = clock.Now() - clock.Uptime()] { return zero; }) {}

  /// `zero` returns the epoch time at uptime zero by a clock that all servers share, as
  /// Database::UptimeZero() does; any thread.
  StoreClock(const Clock& clock, std::function<absl::Time()> zero)
      : clock_(clock), zero_(std::move(zero)), shared_(true) {}

  absl::Time Now() const { return zero_() + clock_.Uptime(); }

  /// The time that people see: the wall clock of this machine, or the clock that all servers share,
  /// so that one with a wrong wall clock does not write wrong times.
  absl::Time Wall() const { return shared_ ? Now() : clock_.Now(); }

 private:
  const Clock& clock_;
  const std::function<absl::Time()> zero_;
  const bool shared_ = false;
};

}  // namespace vico::server
