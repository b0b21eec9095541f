// The job store in SQL: clients' calls in sql_job_store.cc and _change.cc, workers' in
// sql_job_store_lease.cc, _report.cc and _finish.cc, housekeeping's in _expiry.cc, _retention.cc
// and _unserved.cc.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "server/jobs/event_feed.h"
#include "server/jobs/job_phase.h"
#include "server/jobs/job_store.h"
#include "server/jobs/store_clock.h"
#include "server/rows/job_rows.h"
#include "server/sql/database.h"
#include "server/store/lease_batches.h"

namespace vico::server {

class SqlJobStore final : public JobStore {
 public:
  /// The references must outlive the store.
  static absl::StatusOr<std::unique_ptr<SqlJobStore>> Open(Database& database, const Clock& clock,
                                                           const StoreClock& time, EventFeed& feed,
                                                           JobStoreOptions options);

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
  SqlJobStore(Database& database, const Clock& clock, const StoreClock& time, EventFeed& feed,
              JobStoreOptions options);

  absl::StatusOr<int64_t> CheckQueueLimits(SqlSession& db, std::string_view tenant) const;
  absl::Status CheckQuota(SqlSession& db, std::string_view tenant, v1::JobKind kind) const;
  absl::Status ExtendIn(SqlSession& db) const;
  absl::Status CheckSubmitRate(SqlSession& db, std::string_view tenant) const;

  /// What a lease may grant.
  struct Outlook {
    std::set<std::pair<std::string, std::string>> running;  ///< workers and nonces of leases
    std::vector<std::string> next;                          ///< jobs
  };
  absl::StatusOr<Outlook> Look(SqlSession& db, const LeaseBatches::Call& call,
                               const std::vector<std::string>& workers, size_t calls) const;
  absl::StatusOr<bool> HasWork(const LeaseQuery& query);
  absl::StatusOr<std::vector<JobRow>> HoldQueued(SqlSession& db,
                                                 const std::vector<std::string>& names) const;
  absl::Status GrantAgain(SqlSession& db, LeaseBatches::Call& call);
  absl::Status GrantAll(SqlSession& db, std::span<LeaseBatches::Call* const> calls);
  absl::Status GrantOne(SqlSession& db, LeaseBatches::Call& call, JobRow row);
  static Grant GrantOf(const JobRow& row);

  void RecordPhase(const JobPhase& phase) const;
  absl::Time LeaseEnd() const { return time_.Now() + options_.lease; }
  absl::Time StateTime() const { return absl::FromUnixMicros(absl::ToUnixMicros(time_.Wall())); }

  // These change the row in memory and insert its event. They return the change as which the caller
  // must save the row.
  absl::Status QueueAgain(SqlSession& db, JobRow& row);
  absl::Status Fail(SqlSession& db, JobRow& row, const absl::Status& error);
  absl::StatusOr<bool> CancelIn(SqlSession& db, std::string_view tenant, std::string_view name,
                                JobRow& before, JobRow& row);
  absl::Status CancelNow(SqlSession& db, JobRow& row);
  absl::StatusOr<JobChange> Apply(SqlSession& db, JobRow& row, const v1::FinishRequest& finish,
                                  std::string& evaluation);
  absl::StatusOr<JobChange> ApplyFailure(SqlSession& db, JobRow& row,
                                         const v1::FinishRequest::Failure& failure);
  absl::Status Succeed(SqlSession& db, JobRow& row, const v1::FinishRequest& finish,
                       std::string& evaluation);
  absl::StatusOr<std::string> QueueEvaluation(SqlSession& db, JobRow& training,
                                              const v1::Adapter& adapter);
  absl::StatusOr<bool> CountCrash(SqlSession& db, JobRow& row);
  absl::StatusOr<JobChange> EndExpired(SqlSession& db, JobRow& row);
  absl::StatusOr<JobChange> EndOverdue(SqlSession& db, JobRow& row);

  using End = absl::StatusOr<JobChange> (SqlJobStore::*)(SqlSession& db, JobRow& row);
  absl::StatusOr<int> EndAll(std::string_view condition, End end);
  absl::StatusOr<bool> EndOne(int64_t number, const std::string& sql, End end);

  Database& database_;
  const Clock& clock_;
  const StoreClock& time_;
  EventFeed& feed_;
  const JobStoreOptions options_;
  LeaseBatches leases_;
  // Uptime of the last KeepsHouse() that the database answered.
  std::atomic<int64_t> looked_us_{-int64_t{1} << 60};
};

}  // namespace vico::server
