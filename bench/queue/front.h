// A server's queue without its network: a pool of connections to PostgreSQL, the job store, and the
// relay that tells other servers. Several of them on one database, in threads of one process, stand
// for as many servers.
#pragma once

#include <memory>
#include <string>

#include <absl/status/statusor.h>

#include "common/clock.h"
#include "common/log.h"
#include "server/fronts/direct_session.h"
#include "server/fronts/postgres_relay.h"
#include "server/jobs/event_feed.h"
#include "server/postgres/postgres_database.h"
#include "server/store/sql_job_store.h"

namespace vico::bench {

inline constexpr char kBaseModel[] = "baseModels/toy";

/// Any thread.
class Front {
 public:
  /// Brings the database to this program's schema. The limits of queued jobs are out of reach.
  static absl::StatusOr<std::unique_ptr<Front>> Open(const std::string& url,
                                                     server::JobStoreOptions options = {});

  server::JobStore& jobs() { return *jobs_; }
  server::EventFeed& feed() { return feed_; }
  server::PostgresDatabase& database() { return *database_; }

 private:
  Front() = default;

  const SystemClock clock_;
  std::unique_ptr<server::PostgresDatabase> database_;
  std::unique_ptr<server::StoreClock> time_;
  server::EventFeed feed_;
  std::unique_ptr<server::JobStore> jobs_;
  std::unique_ptr<server::PostgresRelay> relay_;
  std::unique_ptr<server::DirectSession> session_;
};

/// A generation of `tenant` on kBaseModel. `request_id` is new for each job of the tenant.
server::SubmitRequest GenerationOf(const std::string& tenant, const std::string& request_id);

/// A lease call for one job on kBaseModel.
server::LeaseQuery LeaseOf(const std::string& worker, const std::string& nonce);

/// The first report under the lease: one step.
v1::ReportRequest ReportOf(const server::Grant& grant, uint64_t number = 1);

v1::FinishRequest FinishOf(const server::Grant& grant);

}  // namespace vico::bench
