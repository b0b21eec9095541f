// The queue in the embedded database. Reading and queuing are in job_store_sqlite.cc, what workers
// do in job_store_sqlite_lease.cc.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "common/clock.h"
#include "server/database.h"
#include "server/event_feed.h"
#include "server/job_rows.h"
#include "server/job_store.h"

namespace vico {

struct JobStoreOptions {
  absl::Duration lease = absl::Seconds(30);
  int queued_per_tenant = 100;
  int queued_total = 10'000;
  std::function<double()> random01;  ///< spreads retries; any thread; always 0.5 if left out
};

class SqliteJobStore final : public JobStore {
 public:
  /// Forgives all waiting times and gives live leases a full lease time, since the clock they were
  /// counted with may have started anew. The references must outlive the store.
  static absl::StatusOr<std::unique_ptr<SqliteJobStore>> Open(Database& database,
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
  absl::Status ExtendLeases() override;

 private:
  SqliteJobStore(Database& database, const Clock& clock, EventFeed& feed, JobStoreOptions options);

  absl::Status CheckQueueLimits(SqliteConnection& db, std::string_view tenant) const;
  absl::Status Grant1(SqliteConnection& db, const LeaseQuery& query, JobRow& row);
  absl::Status QueueAgain(SqliteConnection& db, JobRow& row);
  absl::Status Fail(SqliteConnection& db, JobRow& row, const absl::Status& error);
  absl::Status Succeed(SqliteConnection& db, JobRow& row, const v1::FinishRequest& finish);
  absl::Status CancelNow(SqliteConnection& db, JobRow& row);
  absl::Status Apply(SqliteConnection& db, JobRow& row, const v1::FinishRequest& finish);
  absl::Status GiveBack(SqliteConnection& db, JobRow& row);
  absl::StatusOr<bool> ReturnIfExpired(int64_t number);

  Database& database_;
  const Clock& clock_;
  EventFeed& feed_;
  const JobStoreOptions options_;
};

}  // namespace vico
