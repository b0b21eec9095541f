// A job store that counts what passes through it, and knows which workers it has heard of.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "server/jobs/job_store.h"
#include "server/metrics/metrics.h"

namespace vico::server {

/// Any thread. All it is given must outlive it.
class MeteredJobStore final : public JobStore {
 public:
  MeteredJobStore(JobStore& jobs, Metrics& metrics, const Clock& clock)
      : jobs_(jobs), metrics_(metrics), clock_(clock) {}

  absl::StatusOr<v1::Job> Submit(const SubmitRequest& request) override;
  absl::StatusOr<v1::Job> FindByRequest(const RequestKey& key) override;
  absl::StatusOr<v1::Job> Get(std::string_view tenant, std::string_view job) override;
  absl::StatusOr<JobPage> List(const JobQuery& query) override;
  absl::StatusOr<v1::Job> Cancel(std::string_view tenant, std::string_view job) override;
  absl::StatusOr<std::vector<Grant>> Lease(const LeaseQuery& query) override;
  absl::StatusOr<Grant> FindLease(std::string_view job, std::string_view lease_id) override;
  absl::StatusOr<v1::Directive> Report(const v1::ReportRequest& report) override;
  absl::StatusOr<v1::Job> Finish(const v1::FinishRequest& finish) override;
  absl::StatusOr<std::vector<v1::Event>> EventsAfter(std::string_view tenant, std::string_view job,
                                                     uint64_t after_sequence, int limit) override;
  absl::StatusOr<int> ReturnExpired() override;
  absl::StatusOr<int> FailOverdue() override;
  absl::Status ExtendLeases() override;

  struct Workers {
    int alive = 0;  ///< heard of in the last minute
    int busy = 0;   ///< of these, those with a lease
  };
  Workers CountWorkers();

 private:
  struct Held {
    v1::JobKind kind = v1::JOB_KIND_UNSPECIFIED;
    std::string worker;  ///< empty when the lease is of before this server's start
    absl::Duration seen;
  };

  void Heard(const std::string& worker);
  void Forget(absl::Duration before);  // with mutex_ held

  JobStore& jobs_;
  Metrics& metrics_;
  const Clock& clock_;
  std::mutex mutex_;
  // guarded by mutex_
  std::map<std::string, absl::Duration, std::less<>> workers_;  // when last heard of
  std::map<std::string, Held, std::less<>> leases_;             // by lease id
};

}  // namespace vico::server
