#include "server/jobs/housekeeping.h"

#include <utility>

namespace vico::server {
namespace {

constexpr int kWarnedAtOnce = 200;
// The search reads all queued jobs. It is repeated without a change of the base models, since a job
// may have been submitted during the change.
constexpr absl::Duration kSearchInterval = absl::Seconds(30);

}  // namespace

Housekeeping::Housekeeping(JobStore& jobs, const Leadership& leadership, const Clock& clock,
                           Log log, const HousekeepingOptions& options)
    : jobs_(jobs),
      leadership_(leadership),
      clock_(clock),
      log_(std::move(log)),
      options_(options),
      start_(clock.Uptime()),
      last_turn_(start_) {}

void Housekeeping::Start() {
  last_turn_ = clock_.Uptime();
  thread_ = std::make_unique<PeriodicThread>(options_.interval, [this] { Turn(); });
}

void Housekeeping::Turn() {
  const absl::Duration now = clock_.Uptime();
  const absl::Duration since = now - last_turn_;
  last_turn_ = now;
  if (since > options_.interval + options_.pause) {
    log_.Warning("the server stood still; leases are extended unless another server was there",
                 {{"seconds", absl::ToDoubleSeconds(since)}});
  }
  // Before any lease is ended: it gives the leases time after a pause.
  const absl::StatusOr<bool> mine = jobs_.KeepsHouse(leadership_.IsLeader());
  if (!mine.ok()) {
    log_.Error("the heartbeat failed", {{"error", mine.status().ToString()}});
    return;
  }
  if (!*mine) return;
  // A process that stood still since then would end leases that nobody could renew.
  if (clock_.Uptime() - now > options_.pause) return;
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
  DeleteOldRows();
  WarnUnserved(now);
}

void Housekeeping::DeleteOldRows() {
  const absl::StatusOr<int> old = jobs_.DeleteOld();
  if (!old.ok()) {
    log_.Error("deleting old jobs and request ids failed", {{"error", old.status().ToString()}});
  } else if (*old > 0) {
    log_.Info("old jobs and request ids were deleted", {{"rows", *old}});
  }
  if (options_.catalog == nullptr) return;
  const absl::StatusOr<int> expired = options_.catalog->DeleteExpired();
  if (!expired.ok()) {
    log_.Error("deleting expired pictures failed", {{"error", expired.status().ToString()}});
  } else if (*expired > 0) {
    log_.Info("expired pictures were deleted", {{"pictures", *expired}});
  }
}

void Housekeeping::WarnUnserved(absl::Duration now) {
  if (!options_.base_models || now - start_ < options_.registration) return;
  std::vector<ServedBaseModel> served = options_.base_models();
  if (served == last_base_models_ && now - last_search_ < kSearchInterval) return;
  const absl::StatusOr<int> warned = jobs_.WarnUnserved(served, kWarnedAtOnce);
  if (!warned.ok()) {
    log_.Error("warning jobs without a worker failed", {{"error", warned.status().ToString()}});
    return;
  }
  if (*warned > 0) log_.Warning("no worker can serve waiting jobs", {{"jobs", *warned}});
  if (*warned == kWarnedAtOnce) return;  // the next turn warns more
  last_search_ = now;
  last_base_models_ = std::move(served);
}

}  // namespace vico::server
