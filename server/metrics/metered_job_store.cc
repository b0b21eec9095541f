#include "server/metrics/metered_job_store.h"

#include "common/proto_time.h"
#include "common/status.h"
#include "server/jobs/job.h"

namespace vico::server {

absl::StatusOr<v1::Job> MeteredJobStore::Submit(const SubmitRequest& request) {
  // Counts a repeat, too. That is rare: services call FindByRequest first.
  auto job = jobs_.Submit(request);
  if (job.ok()) metrics_.Submitted(job->kind());
  return job;
}

absl::StatusOr<v1::Job> MeteredJobStore::FindByRequest(const RequestKey& key) {
  return jobs_.FindByRequest(key);
}

absl::StatusOr<v1::Job> MeteredJobStore::Get(std::string_view tenant, std::string_view job) {
  return jobs_.Get(tenant, job);
}

absl::StatusOr<JobPage> MeteredJobStore::List(const JobQuery& query) { return jobs_.List(query); }

absl::StatusOr<v1::Job> MeteredJobStore::Cancel(std::string_view tenant, std::string_view job) {
  auto cancelled = jobs_.Cancel(tenant, job);
  if (cancelled.ok()) metrics_.CancelRequested();
  return cancelled;
}

absl::StatusOr<CancelledJobs> MeteredJobStore::CancelAll(std::string_view tenant,
                                                         const std::vector<std::string>& jobs) {
  auto cancelled = jobs_.CancelAll(tenant, jobs);
  if (!cancelled.ok()) return cancelled;
  for (size_t i = 0; i < cancelled->cancelled.size() + cancelled->requested.size(); ++i) {
    metrics_.CancelRequested();
  }
  return cancelled;
}

absl::StatusOr<v1::Job> MeteredJobStore::AskToFinish(std::string_view tenant,
                                                     std::string_view job) {
  return jobs_.AskToFinish(tenant, job);
}

absl::StatusOr<v1::Job> MeteredJobStore::Update(std::string_view tenant, std::string_view job,
                                                const ResourceUpdate& update) {
  return jobs_.Update(tenant, job, update);
}

absl::Status MeteredJobStore::Delete(std::string_view tenant, std::string_view job) {
  return jobs_.Delete(tenant, job);
}

absl::StatusOr<std::vector<Grant>> MeteredJobStore::Lease(const LeaseQuery& query) {
  auto grants = jobs_.Lease(query);
  if (!grants.ok()) return grants;
  for (const Grant& grant : *grants) {
    const bool first = leases_.Add(grant);
    if (first && grant.job.attempt() == 1 && grant.job.has_start_time()) {
      metrics_.Began(grant.job.kind(),
                     FromProto(grant.job.start_time()) - FromProto(grant.job.create_time()));
    }
  }
  return grants;
}

absl::StatusOr<Grant> MeteredJobStore::FindLease(std::string_view job, std::string_view lease_id) {
  return jobs_.FindLease(job, lease_id);
}

absl::StatusOr<v1::Directive> MeteredJobStore::Report(const v1::ReportRequest& report) {
  auto directive = jobs_.Report(report);
  const auto lease = leases_.Find(report.lease_id());
  if (!directive.ok() || !lease) return directive;
  for (const v1::Event& event : report.events()) {
    if (event.has_progress() && event.progress().seconds_per_step() > 0) {
      metrics_.Stepped(lease->kind, event.progress().seconds_per_step());
    }
  }
  return directive;
}

absl::Status MeteredJobStore::NameUpload(std::string_view job, std::string_view lease_id,
                                         const v1::BlobRef& blob) {
  return jobs_.NameUpload(job, lease_id, blob);
}

absl::StatusOr<bool> MeteredJobStore::IsUpload(std::string_view tenant, std::string_view lease_id,
                                               std::string_view sha256) {
  return jobs_.IsUpload(tenant, lease_id, sha256);
}

absl::StatusOr<v1::Job> MeteredJobStore::Finish(const v1::FinishRequest& finish) {
  auto job = jobs_.Finish(finish);
  // Of calls at the same moment for one lease, one removes it.
  if (!job.ok() || !leases_.Remove(finish.lease_id())) return job;
  if (finish.has_failure()) metrics_.AttemptFailed(Reason(FromProto(finish.failure().status())));
  if (finish.has_released()) metrics_.Released();
  if (IsTerminal(job->state()) && job->has_start_time() && job->has_finish_time()) {
    metrics_.Ended(job->kind(), job->state(),
                   FromProto(job->finish_time()) - FromProto(job->start_time()));
  }
  return job;
}

absl::StatusOr<std::vector<v1::Event>> MeteredJobStore::EventsAfter(std::string_view tenant,
                                                                    std::string_view job,
                                                                    uint64_t after_sequence,
                                                                    int limit) {
  return jobs_.EventsAfter(tenant, job, after_sequence, limit);
}

absl::StatusOr<int> MeteredJobStore::ReturnExpired() {
  auto returned = jobs_.ReturnExpired();
  if (returned.ok() && *returned > 0) metrics_.LeasesExpired(*returned);
  return returned;
}

absl::StatusOr<int> MeteredJobStore::FailOverdue() { return jobs_.FailOverdue(); }

absl::StatusOr<int> MeteredJobStore::DeleteOld() { return jobs_.DeleteOld(); }

absl::StatusOr<int> MeteredJobStore::WarnUnserved(const std::vector<ServedBaseModel>& served,
                                                  int limit) {
  return jobs_.WarnUnserved(served, limit);
}

absl::StatusOr<bool> MeteredJobStore::KeepsHouse(bool leader) { return jobs_.KeepsHouse(leader); }

absl::Status MeteredJobStore::ExtendLeases() { return jobs_.ExtendLeases(); }

absl::StatusOr<std::vector<QueueCounts>> MeteredJobStore::CountQueue() {
  return jobs_.CountQueue();
}

}  // namespace vico::server
