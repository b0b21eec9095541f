#include "tests/fault/defects/defective_job_store.h"

#include <utility>

#include "common/failpoint.h"
#include "common/status.h"

namespace vico::fault {

using server::Grant;

DefectiveJobStore::DefectiveJobStore(std::unique_ptr<server::JobStore> below, const Clock& clock,
                                     DefectiveJobStoreOptions options)
    : below_(std::move(below)), clock_(clock), options_(std::move(options)) {}

absl::StatusOr<v1::Job> DefectiveJobStore::Submit(const server::SubmitRequest& request) {
  if (Has("quota_outside_transaction")) {
    ASSIGN_OR_RETURN(const server::JobPage queued,
                     below_->List({.tenant = request.key.tenant,
                                   .page_size = options_.queued_per_tenant,
                                   .filter = {.states = {v1::JOB_STATE_QUEUED}}}));
    if (static_cast<int>(queued.jobs.size()) >= options_.queued_per_tenant) {
      return Error(absl::StatusCode::kResourceExhausted, "the queue is full", "QUEUE_FULL");
    }
    RETURN_IF_ERROR(HitFailpoint("submit.quota_checked"));
  }
  return below_->Submit(request);
}

absl::StatusOr<std::vector<Grant>> DefectiveJobStore::Lease(const server::LeaseQuery& query) {
  auto grants = below_->Lease(query);
  if (!grants.ok()) return grants;
  const MutexLock lock(mutex_);
  for (const Grant& grant : *grants) held_[grant.job.name()] = {grant.lease_id, clock_.Uptime()};
  return grants;
}

/// `lease_id` itself if no later lease of the job is known.
std::string DefectiveJobStore::NewestLease(std::string_view job, std::string_view lease_id) {
  const MutexLock lock(mutex_);
  const auto held = held_.find(job);
  return held == held_.end() ? std::string(lease_id) : held->second.lease_id;
}

absl::StatusOr<Grant> DefectiveJobStore::FindLease(std::string_view job,
                                                   std::string_view lease_id) {
  if (!Has("match_by_id_only")) return below_->FindLease(job, lease_id);
  return below_->FindLease(job, NewestLease(job, lease_id));
}

absl::StatusOr<v1::Directive> DefectiveJobStore::Report(const v1::ReportRequest& report) {
  v1::ReportRequest matched = report;
  if (Has("match_by_id_only")) {
    matched.set_lease_id(NewestLease(report.job(), report.lease_id()));
  }
  auto directive = below_->Report(matched);
  if (!directive.ok()) return directive;
  const MutexLock lock(mutex_);
  held_[report.job()] = {matched.lease_id(), clock_.Uptime()};
  return directive;
}

absl::StatusOr<v1::Job> DefectiveJobStore::Finish(const v1::FinishRequest& finish) {
  v1::FinishRequest matched = finish;
  if (Has("match_by_id_only") || Has("finish_without_guard")) {
    matched.set_lease_id(NewestLease(finish.job(), finish.lease_id()));
  }
  auto job = below_->Finish(matched);
  if (!job.ok()) return job;
  const MutexLock lock(mutex_);
  held_.erase(finish.job());
  return job;
}

/// What ends the leases that have run out by now.
std::vector<v1::FinishRequest> DefectiveJobStore::Expired() {
  std::vector<v1::FinishRequest> expired;
  const MutexLock lock(mutex_);
  for (const auto& [job, held] : held_) {
    if (clock_.Uptime() - held.contact < options_.lease) continue;
    v1::FinishRequest& finish = expired.emplace_back();
    finish.set_job(job);
    finish.set_lease_id(held.lease_id);
    v1::FinishRequest::Failure& failure = *finish.mutable_failure();
    failure.set_retryable(true);
    failure.set_crashed(true);
    failure.mutable_status()->set_code(static_cast<int>(absl::StatusCode::kUnavailable));
  }
  return expired;
}

absl::StatusOr<int> DefectiveJobStore::ReturnExpired() {
  if (!Has("housekeeping_without_recheck")) return below_->ReturnExpired();
  int returned = 0;
  for (const v1::FinishRequest& finish : Expired()) {
    RETURN_IF_ERROR(HitFailpoint("housekeeping.between_rows"));
    returned += Finish(finish).ok() ? 1 : 0;
  }
  return returned;
}

}  // namespace vico::fault
