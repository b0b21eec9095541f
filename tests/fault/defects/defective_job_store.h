// A job store with one defect in leases, liveness or limits.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/mutex.h"
#include "server/jobs/job_store.h"

namespace vico::fault {

struct DefectiveJobStoreOptions {
  std::string defect;
  absl::Duration lease;
  int queued_per_tenant = 100;  ///< for quota_outside_transaction; at most 100, the largest page
};

/// Forwards to `below`, except for one defect:
///   finish_without_guard          Finish accepts any lease that the job ever had
///   match_by_id_only              so do Report and FindLease
///   housekeeping_without_recheck  ReturnExpired ends a lease that was renewed after the check
///   quota_outside_transaction     Submit counts the queue first and inserts later; the limit of
///                                 `below` must be out of reach
/// Any other name plants nothing. Any thread.
class DefectiveJobStore final : public server::JobStore {
 public:
  /// `clock` must outlive the store.
  DefectiveJobStore(std::unique_ptr<server::JobStore> below, const Clock& clock,
                    DefectiveJobStoreOptions options);

  absl::StatusOr<v1::Job> Submit(const server::SubmitRequest& request) override;
  absl::StatusOr<std::vector<server::Grant>> Lease(const server::LeaseQuery& query) override;
  absl::StatusOr<server::Grant> FindLease(std::string_view job, std::string_view lease_id) override;
  absl::StatusOr<v1::Directive> Report(const v1::ReportRequest& report) override;
  absl::StatusOr<v1::Job> Finish(const v1::FinishRequest& finish) override;
  absl::StatusOr<int> ReturnExpired() override;

  absl::StatusOr<v1::Job> FindByRequest(const server::RequestKey& key) override {
    return below_->FindByRequest(key);
  }
  absl::StatusOr<v1::Job> Get(std::string_view tenant, std::string_view job) override {
    return below_->Get(tenant, job);
  }
  absl::StatusOr<server::JobPage> List(const server::JobQuery& query) override {
    return below_->List(query);
  }
  absl::StatusOr<v1::Job> Cancel(std::string_view tenant, std::string_view job) override {
    return below_->Cancel(tenant, job);
  }
  absl::StatusOr<server::CancelledJobs> CancelAll(std::string_view tenant,
                                                  const std::vector<std::string>& jobs) override {
    return below_->CancelAll(tenant, jobs);
  }
  absl::StatusOr<v1::Job> AskToFinish(std::string_view tenant, std::string_view job) override {
    return below_->AskToFinish(tenant, job);
  }
  absl::StatusOr<v1::Job> Update(std::string_view tenant, std::string_view job,
                                 const server::ResourceUpdate& update) override {
    return below_->Update(tenant, job, update);
  }
  absl::StatusOr<std::vector<v1::Event>> EventsAfter(std::string_view tenant, std::string_view job,
                                                     uint64_t after_sequence, int limit) override {
    return below_->EventsAfter(tenant, job, after_sequence, limit);
  }
  absl::StatusOr<int> FailOverdue() override { return below_->FailOverdue(); }
  absl::Status Delete(std::string_view tenant, std::string_view job) override {
    return below_->Delete(tenant, job);
  }
  absl::StatusOr<int> DeleteOld() override { return below_->DeleteOld(); }
  absl::StatusOr<int> WarnUnserved(const std::vector<server::ServedBaseModel>& served,
                                   int limit) override {
    return below_->WarnUnserved(served, limit);
  }
  absl::Status NameUpload(std::string_view job, std::string_view lease_id,
                          const v1::BlobRef& blob) override {
    return below_->NameUpload(job, lease_id, blob);
  }
  absl::StatusOr<bool> IsUpload(std::string_view tenant, std::string_view lease_id,
                                std::string_view sha256) override {
    return below_->IsUpload(tenant, lease_id, sha256);
  }
  absl::StatusOr<bool> KeepsHouse(bool leader) override { return below_->KeepsHouse(leader); }
  absl::Status ExtendLeases() override { return below_->ExtendLeases(); }
  absl::StatusOr<std::vector<server::QueueCounts>> CountQueue() override {
    return below_->CountQueue();
  }

 private:
  struct Held {
    std::string lease_id;
    absl::Duration contact;  // uptime at the grant or at the last report
  };

  bool Has(std::string_view defect) const { return options_.defect == defect; }
  std::string NewestLease(std::string_view job, std::string_view lease_id);
  std::vector<v1::FinishRequest> Expired();

  const std::unique_ptr<server::JobStore> below_;
  const Clock& clock_;
  const DefectiveJobStoreOptions options_;
  Mutex mutex_;
  std::map<std::string, Held, std::less<>> held_ ABSL_GUARDED_BY(mutex_);  // by job
};

}  // namespace vico::fault
