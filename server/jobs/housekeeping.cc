#include "server/jobs/housekeeping.h"

#include <chrono>
#include <utility>

namespace vico::server {

Housekeeping::Housekeeping(JobStore& jobs, EventFeed& feed, const Clock& clock, Log log,
                           const HousekeepingOptions& options)
    : jobs_(jobs),
      feed_(feed),
      clock_(clock),
      log_(std::move(log)),
      options_(options),
      last_turn_(clock.Uptime()) {}

Housekeeping::~Housekeeping() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Housekeeping::Start() {
  last_turn_ = clock_.Uptime();
  thread_ = std::thread([this] { Loop(); });
}

void Housekeeping::Turn() {
  const absl::Duration now = clock_.Uptime();
  const absl::Duration since = now - last_turn_;
  if (since > options_.interval + options_.pause) {
    log_.Warning("the server stood still; leases are extended",
                 {{"seconds", absl::ToDoubleSeconds(since)}});
    if (const absl::Status status = jobs_.ExtendLeases(); !status.ok()) {
      log_.Error("leases were not extended", {{"error", status.ToString()}});
      return;  // and tried again at the next turn, before any lease is returned
    }
  }
  last_turn_ = now;
  const absl::StatusOr<int> returned = jobs_.ReturnExpired();
  if (!returned.ok()) {
    log_.Error("expired leases were not returned", {{"error", returned.status().ToString()}});
  } else if (*returned > 0) {
    log_.Warning("leases ran out", {{"jobs", *returned}});
  }
  const absl::StatusOr<int> overdue = jobs_.FailOverdue();
  if (!overdue.ok()) {
    log_.Error("overdue jobs were not ended", {{"error", overdue.status().ToString()}});
  } else if (*overdue > 0) {
    log_.Warning("jobs waited or lasted too long", {{"jobs", *overdue}});
  }
  feed_.QueueChanged();  // a job's wait for its next try may be over
}

void Housekeeping::Loop() {
  std::unique_lock lock(mutex_);
  const auto interval = absl::ToChronoMilliseconds(options_.interval);
  while (!wake_.wait_for(lock, interval, [this] { return stopping_; })) {
    lock.unlock();
    Turn();
    lock.lock();
  }
}

}  // namespace vico::server
