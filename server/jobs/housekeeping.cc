#include "server/jobs/housekeeping.h"

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

void Housekeeping::Start() {
  last_turn_ = clock_.Uptime();
  thread_ = std::make_unique<PeriodicThread>(options_.interval, [this] { Turn(); });
}

void Housekeeping::Turn() {
  const absl::Duration now = clock_.Uptime();
  const absl::Duration since = now - last_turn_;
  if (since > options_.interval + options_.pause) {
    log_.Warning("the server stood still; leases are extended",
                 {{"seconds", absl::ToDoubleSeconds(since)}});
    if (const absl::Status status = jobs_.ExtendLeases(); !status.ok()) {
      log_.Error("extending leases failed", {{"error", status.ToString()}});
      // `last_turn_` stays, so the next turn tries again before it ends any lease.
      return;
    }
  }
  last_turn_ = now;
  const absl::StatusOr<int> returned = jobs_.ReturnExpired();
  if (!returned.ok()) {
    log_.Error("ending expired leases failed", {{"error", returned.status().ToString()}});
  } else if (*returned > 0) {
    log_.Warning("leases expired", {{"jobs", *returned}});
  }
  const absl::StatusOr<int> overdue = jobs_.FailOverdue();
  if (!overdue.ok()) {
    log_.Error("ending overdue jobs failed", {{"error", overdue.status().ToString()}});
  } else if (*overdue > 0) {
    log_.Warning("jobs passed their deadline", {{"jobs", *overdue}});
  }
  // A job's wait before a retry may have ended.
  feed_.QueueChanged();
}

}  // namespace vico::server
