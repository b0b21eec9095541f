// A job store that counts the calls that pass through it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/jobs/job_store.h"
#include "server/jobs/worker_registry.h"
#include "server/metrics/metrics.h"

namespace vico::server {

/// Any thread. The references must outlive it. Starts and ends leases in the registry, which says
/// whether a call is the first about its lease: only that one counts.
class MeteredJobStore final : public JobStore {
 public:
  MeteredJobStore(JobStore& jobs, WorkerRegistry& workers, Metrics& metrics)
      : jobs_(jobs), workers_(workers), metrics_(metrics) {}

  absl::StatusOr<v1::Job> Submit(const SubmitRequest& request) override;
  absl::StatusOr<v1::Job> FindByRequest(const RequestKey& key) override;
  absl::StatusOr<v1::Job> Get(std::string_view tenant, std::string_view job) override;
  absl::StatusOr<JobPage> List(const JobQuery& query) override;
  absl::StatusOr<v1::Job> Cancel(std::string_view tenant, std::string_view job) override;
  absl::Status Delete(std::string_view tenant, std::string_view job) override;
  absl::StatusOr<std::vector<Grant>> Lease(const LeaseQuery& query) override;
  absl::StatusOr<Grant> FindLease(std::string_view job, std::string_view lease_id) override;
  absl::StatusOr<v1::Directive> Report(const v1::ReportRequest& report) override;
  absl::StatusOr<v1::Job> Finish(const v1::FinishRequest& finish) override;
  absl::StatusOr<std::vector<v1::Event>> EventsAfter(std::string_view tenant, std::string_view job,
                                                     uint64_t after_sequence, int limit) override;
  absl::StatusOr<int> ReturnExpired() override;
  absl::StatusOr<int> FailOverdue() override;
  absl::StatusOr<int> DeleteOld() override;
  absl::StatusOr<int> WarnUnserved(const std::vector<std::string>& served, int limit) override;
  absl::Status ExtendLeases() override;
  absl::StatusOr<std::vector<QueueCounts>> CountQueue() override;

 private:
  JobStore& jobs_;
  WorkerRegistry& workers_;
  Metrics& metrics_;
};

}  // namespace vico::server
