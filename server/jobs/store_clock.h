// The time by which a store decides: epoch time that ignores changes of the wall clock.
#pragma once

#include "common/clock.h"

namespace vico::server {

/// Any thread. Starts as the wall clock and advances with the uptime. Leases, waits and ages are
/// stored in it, so that a restarted server, or another one, can compare them. `clock` must outlive
/// it.
class StoreClock {
 public:
  explicit StoreClock(const Clock& clock) : clock_(clock), zero_(clock.Now() - clock.Uptime()) {}

  absl::Time Now() const { return zero_ + clock_.Uptime(); }

 private:
  const Clock& clock_;
  const absl::Time zero_;
};

}  // namespace vico::server
