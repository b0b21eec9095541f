// The thread that ends expired leases and overdue jobs, every two seconds.
#pragma once

#include <memory>

#include <absl/time/time.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/periodic_thread.h"
#include "server/jobs/event_feed.h"
#include "server/jobs/job_store.h"

namespace vico::server {

struct HousekeepingOptions {
  absl::Duration interval = absl::Seconds(2);
  /// A turn that is late by more than this means that the process was paused: leases are extended.
  absl::Duration pause = absl::Seconds(2);
};

/// The references must outlive it. The destructor stops the thread.
class Housekeeping {
 public:
  Housekeeping(JobStore& jobs, EventFeed& feed, const Clock& clock, Log log,
               const HousekeepingOptions& options);

  void Start();

  /// One turn of the thread. Not while the thread runs.
  void Turn();

 private:
  JobStore& jobs_;
  EventFeed& feed_;
  const Clock& clock_;
  const Log log_;
  const HousekeepingOptions options_;
  absl::Duration last_turn_;
  std::unique_ptr<PeriodicThread> thread_;
};

}  // namespace vico::server
