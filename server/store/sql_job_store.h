// The queue in the embedded database. Reading and queuing are in job_store_sqlite.cc, what workers
// do in _lease.cc and _finish.cc, what housekeeping does in _expiry.cc.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "common/clock.h"
#include "server/sql/database.h"
#include "server/jobs/event_feed.h"
#include "server/jobs/job_phase.h"
#include "server/store/job_rows.h"
#include "server/jobs/job_store.h"
#include "server/jobs/steady_time.h"

namespace vico::server {

struct JobStoreOptions {
  absl::Duration lease = absl::Seconds(30);
  int queued_per_tenant = 100;
  int queued_total = 10'000;
  int trainings_per_tenant = 4;                  ///< running at once; more stay queued
  int generations_per_tenant = 8;                ///< running at once; more stay queued
  absl::Duration queue_limit = absl::Hours(24);  ///< a job that waits longer fails
  absl::Duration total_limit = absl::Hours(72);  ///< a job that lasts longer, waits included, fails
  std::function<double()> random01;  ///< spreads retries; any thread; always 0.5 if left out
  OnJobPhase on_phase{};             ///< nobody is told if left out
};

class SqlJobStore final : public JobStore {
 public:
  /// Forgives all waiting times and gives live leases a full lease time, since the clock they were
  /// counted with may have started anew. The references must outlive the store.
  static absl::StatusOr<std::unique_ptr<SqlJobStore>> Open(Database& database,
                                                              const Clock& clock, EventFeed& feed,
                                                              JobStoreOptions options);

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

 private:
  SqlJobStore(Database& database, const Clock& clock, EventFeed& feed, JobStoreOptions options);

  absl::Status CheckQueueLimits(SqliteConnection& db, std::string_view tenant) const;
  absl::Status Grant1(SqliteConnection& db, const LeaseQuery& query, JobRow& row);
  void Tell(const JobPhase& phase) const;
  Moment NowIs() const { return {clock_.Uptime(), steady_.Now()}; }
  absl::Time StateTime() const { return absl::FromUnixMicros(absl::ToUnixMicros(clock_.Now())); }

  // What becomes of the row, its event included; the caller saves it as the change they name.
  absl::Status QueueAgain(SqliteConnection& db, JobRow& row);
  absl::Status Fail(SqliteConnection& db, JobRow& row, const absl::Status& error);
  absl::Status CancelNow(SqliteConnection& db, JobRow& row);
  absl::StatusOr<JobChange> Apply(SqliteConnection& db, JobRow& row,
                                  const v1::FinishRequest& finish);
  absl::StatusOr<JobChange> ApplyFailure(SqliteConnection& db, JobRow& row,
                                         const v1::FinishRequest::Failure& failure);
  absl::Status Succeed(SqliteConnection& db, JobRow& row, const v1::FinishRequest& finish);
  absl::StatusOr<bool> CountCrash(SqliteConnection& db, JobRow& row);
  absl::StatusOr<JobChange> GiveBack(SqliteConnection& db, JobRow& row);
  absl::StatusOr<JobChange> EndOverdue(SqliteConnection& db, JobRow& row);

  using End = absl::StatusOr<JobChange> (SqlJobStore::*)(SqliteConnection& db, JobRow& row);
  absl::StatusOr<int> EndAll(std::string_view condition, End end);
  absl::StatusOr<bool> EndOne(int64_t number, const std::string& sql, End end);

  Database& database_;
  const Clock& clock_;
  const SteadyTime steady_;
  EventFeed& feed_;
  const JobStoreOptions options_;
};

}  // namespace vico::server
