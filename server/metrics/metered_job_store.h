// A job store that counts the calls that pass through it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/jobs/job_store.h"
#include "server/metrics/metrics.h"
#include "server/workers/lease_holders.h"

namespace vico::server {

/// Any thread. The references must outlive it. Adds leases to the holders and removes them, which
/// says whether a call is the first about its lease: only that one counts.
class MeteredJobStore final : public JobStore {
 public:
  MeteredJobStore(JobStore& jobs, LeaseHolders& leases, Metrics& metrics)
      : jobs_(jobs), leases_(leases), metrics_(metrics) {}

  absl::StatusOr<v1::Job> Submit(const SubmitRequest& request) override;
  absl::StatusOr<v1::Job> FindByRequest(const RequestKey& key) override;
  absl::StatusOr<v1::Job> Get(std::string_view tenant, std::string_view job) override;
  absl::StatusOr<JobPage> List(const JobQuery& query) override;
  absl::StatusOr<v1::Job> Cancel(std::string_view tenant, std::string_view job) override;
  absl::StatusOr<CancelledJobs> CancelAll(std::string_view tenant,
                                          const std::vector<std::string>& jobs) override;
  absl::StatusOr<v1::Job> AskToFinish(std::string_view tenant, std::string_view job) override;
  absl::StatusOr<v1::Job> Update(std::string_view tenant, std::string_view job,
                                 const ResourceUpdate& update) override;
  absl::Status Delete(std::string_view tenant, std::string_view job) override;
  absl::StatusOr<std::vector<Grant>> Lease(const LeaseQuery& query) override;
  absl::StatusOr<Grant> FindLease(std::string_view job, std::string_view lease_id) override;
  absl::StatusOr<v1::Directive> Report(const v1::ReportRequest& report) override;
  absl::Status NameUpload(std::string_view job, std::string_view lease_id,
                          const v1::BlobRef& blob) override;
  absl::StatusOr<bool> IsUpload(std::string_view tenant, std::string_view lease_id,
                                std::string_view sha256) override;
  absl::StatusOr<v1::Job> Finish(const v1::FinishRequest& finish) override;
  absl::StatusOr<std::vector<v1::Event>> EventsAfter(std::string_view tenant, std::string_view job,
                                                     uint64_t after_sequence, int limit) override;
  absl::StatusOr<int> ReturnExpired() override;
  absl::StatusOr<int> FailOverdue() override;
  absl::StatusOr<int> DeleteOld() override;
  absl::StatusOr<int> WarnUnserved(const std::vector<ServedBaseModel>& served, int limit) override;
  absl::StatusOr<bool> KeepsHouse(bool leader) override;
  absl::Status ExtendLeases() override;
  absl::StatusOr<std::vector<QueueCounts>> CountQueue() override;

 private:
  JobStore& jobs_;
  LeaseHolders& leases_;
  Metrics& metrics_;
};

}  // namespace vico::server
