// Returns leases that ran out and ends overdue jobs, every two seconds, on a thread of its own.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "common/clock.h"
#include "common/log.h"
#include "server/jobs/event_feed.h"
#include "server/jobs/job_store.h"

namespace vico::server {

struct HousekeepingOptions {
  absl::Duration interval = absl::Seconds(2);
  absl::Duration pause = absl::Seconds(2);  ///< a turn that comes later than this by so much means
                                            ///< that the server stood still: leases are extended
};

/// The references must outlive it. Stops with its destructor.
class Housekeeping {
 public:
  Housekeeping(JobStore& jobs, EventFeed& feed, const Clock& clock, Log log,
               const HousekeepingOptions& options);
  ~Housekeeping();

  void Start();

  /// One turn, as the thread does them; for tests, instead of Start.
  void Turn();

 private:
  void Loop();

  JobStore& jobs_;
  EventFeed& feed_;
  const Clock& clock_;
  const Log log_;
  const HousekeepingOptions options_;
  absl::Duration last_turn_;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace vico::server
