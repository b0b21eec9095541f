// Wall time that nobody can set: it starts as the wall clock's and goes on with the uptime.
#pragma once

#include "common/clock.h"

namespace vico::server {

/// Any thread. For waits that outlive a restart of the server: after one it is the wall clock's
/// again. `clock` must outlive it.
class SteadyTime {
 public:
  explicit SteadyTime(const Clock& clock) : clock_(clock), zero_(clock.Now() - clock.Uptime()) {}

  absl::Time Now() const { return zero_ + clock_.Uptime(); }

 private:
  const Clock& clock_;
  const absl::Time zero_;
};

}  // namespace vico::server
