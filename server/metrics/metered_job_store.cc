#include "server/metrics/metered_job_store.h"

#include <optional>
#include <set>

#include "common/proto_time.h"
#include "common/status.h"
#include "server/jobs/catalog.h"
#include "server/jobs/job.h"

namespace vico::server {

absl::StatusOr<v1::Job> MeteredJobStore::Submit(const SubmitRequest& request) {
  // A repeat of a submission is none of its own; the services ask FindByRequest before, so one that
  // comes here and is a repeat is a rare race.
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
  if (cancelled.ok()) metrics_.CancelAsked();
  return cancelled;
}

absl::StatusOr<std::vector<Grant>> MeteredJobStore::Lease(const LeaseQuery& query) {
  auto grants = jobs_.Lease(query);
  Heard(query.worker);
  if (!grants.ok()) return grants;
  for (const Grant& grant : *grants) {
    {
      const std::lock_guard lock(mutex_);
      const Held held{grant.job.kind(), query.worker, clock_.Uptime()};
      if (!leases_.emplace(grant.lease_id, held).second) continue;  // the same grant again
    }
    if (grant.job.attempt() == 1 && grant.job.has_start_time()) {
      metrics_.Began(grant.job.kind(), FromProto(grant.job.start_time()) - FromProto(grant.job.create_time()));
    }
  }
  return grants;
}

absl::StatusOr<Grant> MeteredJobStore::FindLease(std::string_view job, std::string_view lease_id) {
  return jobs_.FindLease(job, lease_id);
}

absl::StatusOr<v1::Directive> MeteredJobStore::Report(const v1::ReportRequest& report) {
  auto directive = jobs_.Report(report);
  if (!directive.ok()) return directive;
  std::optional<Held> held;
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = leases_.find(report.lease_id()); found != leases_.end()) {
      found->second.seen = clock_.Uptime();
      held = found->second;
    }
  }
  if (!held) {  // leased before this server's start
    const auto grant = jobs_.FindLease(report.job(), report.lease_id());
    if (!grant.ok()) return directive;
    held = Held{grant->job.kind(), "", clock_.Uptime()};
    const std::lock_guard lock(mutex_);
    leases_.emplace(report.lease_id(), *held);
  }
  if (!held->worker.empty()) Heard(held->worker);
  for (const v1::Event& event : report.events()) {
    if (event.has_progress() && event.progress().seconds_per_step() > 0) {
      metrics_.Stepped(held->kind, event.progress().seconds_per_step());
    }
  }
  return directive;
}

absl::StatusOr<v1::Job> MeteredJobStore::Finish(const v1::FinishRequest& finish) {
  auto job = jobs_.Finish(finish);
  if (!job.ok()) return job;
  {
    // The first answer only: a repeat gets the same one.
    const std::lock_guard lock(mutex_);
    if (leases_.erase(finish.lease_id()) == 0) return job;
  }
  if (finish.has_failure()) metrics_.AttemptFailed(Reason(FromProto(finish.failure().status())));
  if (finish.has_released()) metrics_.Released();
  if (IsTerminal(job->state()) && job->has_start_time() && job->has_finish_time()) {
    metrics_.Ended(job->kind(), job->state(), FromProto(job->finish_time()) - FromProto(job->start_time()));
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
  if (returned.ok() && *returned > 0) metrics_.LeasesRanOut(*returned);
  return returned;
}

absl::StatusOr<int> MeteredJobStore::FailOverdue() { return jobs_.FailOverdue(); }

absl::Status MeteredJobStore::ExtendLeases() { return jobs_.ExtendLeases(); }

void MeteredJobStore::Heard(const std::string& worker) {
  const std::lock_guard lock(mutex_);
  workers_[worker] = clock_.Uptime();
}

void MeteredJobStore::Forget(absl::Duration before) {
  std::erase_if(workers_, [before](const auto& entry) { return entry.second < before; });
  std::erase_if(leases_, [before](const auto& entry) { return entry.second.seen < before; });
}

MeteredJobStore::Workers MeteredJobStore::CountWorkers() {
  const std::lock_guard lock(mutex_);
  Forget(clock_.Uptime() - kWorkerGoneAfter);
  std::set<std::string> busy;
  for (const auto& [lease_id, held] : leases_) {
    busy.insert(held.worker.empty() ? lease_id : held.worker);
  }
  Workers count{.busy = static_cast<int>(busy.size())};
  for (const auto& [worker, seen] : workers_) busy.insert(worker);
  count.alive = static_cast<int>(busy.size());
  return count;
}

}  // namespace vico::server
