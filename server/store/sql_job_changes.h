// Which jobs have changed lately, in SQL.
#pragma once

#include "server/jobs/job_changes.h"
#include "server/jobs/store_clock.h"
#include "server/sql/database.h"

namespace vico::server {

class SqlJobChanges final : public JobChanges {
 public:
  /// The references must outlive the object.
  SqlJobChanges(Database& database, const StoreClock& time) : database_(database), time_(time) {}

  absl::StatusOr<RecentJobs> Recent(const JobChangesQuery& query) override;

 private:
  Database& database_;
  const StoreClock& time_;
};

}  // namespace vico::server
