// Housekeeping of the job store: expired leases, waits and deadlines.
#include <vector>

#include <fmt/format.h>

#include "common/failpoint.h"
#include "common/status.h"
#include "server/jobs/job.h"
#include "server/store/sql_job_store.h"

namespace vico::server {

/// Counts a lost worker or engine. True when the job is queued again, false when it failed.
absl::StatusOr<bool> SqlJobStore::CountCrash(SqlSession& db, JobRow& row) {
  row.crashes += 1;
  if (row.crashes < kCrashBudget) {
    RETURN_IF_ERROR(QueueAgain(db, row));
    return true;
  }
  RETURN_IF_ERROR(
      Fail(db, row,
           Error(absl::StatusCode::kUnavailable,
                 fmt::format("its worker was lost {} times", row.crashes), "WORKER_LOST")));
  return false;
}

// The lease expired: the worker is gone, or cannot reach the server.
absl::StatusOr<JobChange> SqlJobStore::EndExpired(SqlSession& db, JobRow& row) {
  if (row.job.cancel_requested()) {
    RETURN_IF_ERROR(CancelNow(db, row));
    return JobChange::kStopExpired;
  }
  ASSIGN_OR_RETURN(const bool again, CountCrash(db, row));
  return again ? JobChange::kExpire : JobChange::kLose;
}

absl::StatusOr<JobChange> SqlJobStore::EndOverdue(SqlSession& db, JobRow& row) {
  const bool waits = row.job.state() == v1::JOB_STATE_QUEUED;
  const absl::Status error = waits ? Error(absl::StatusCode::kDeadlineExceeded,
                                           fmt::format("no worker leased it within {} h",
                                                       absl::ToInt64Hours(options_.queue_limit)),
                                           "QUEUE_TIMEOUT")
                                   : Error(absl::StatusCode::kDeadlineExceeded,
                                           fmt::format("it did not end within {} h",
                                                       absl::ToInt64Hours(options_.total_limit)),
                                           "DEADLINE_PASSED");
  RETURN_IF_ERROR(Fail(db, row, error));
  return waits ? JobChange::kTimeOut : JobChange::kOverrun;
}

// A report may arrive between the query for the numbers and the change. So each job is read again
// in its own transaction, and the guard of the UPDATE checks it once more.
absl::StatusOr<bool> SqlJobStore::EndOne(int64_t number, const std::string& sql, End end) {
  JobRow before;
  JobRow row;
  bool found = false;
  JobChange change = JobChange::kExpire;
  RETURN_IF_ERROR(database_.Write([&](SqlSession& db) -> absl::Status {
    const absl::Time now = time_.Now();
    RETURN_IF_ERROR(FindFirst(db, sql, {absl::ToUnixMicros(now), number}, before, found));
    if (!found) return absl::OkStatus();
    row = before;
    ASSIGN_OR_RETURN(change, (this->*end)(db, row));
    return SaveJob(db, change, now, before, row);
  }));
  if (found) {
    feed_.JobChanged(before.job.name());
    feed_.QueueChanged();
    RecordPhase(PhaseEnded(change, before, row));
  }
  return found;
}

/// Ends the jobs for which `condition` holds; ?1 in it is the store time.
absl::StatusOr<int> SqlJobStore::EndAll(std::string_view condition, End end) {
  std::vector<int64_t> numbers;
  const std::string all = fmt::format("SELECT number FROM job WHERE {}", condition);
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) {
    return db.Query(all, {absl::ToUnixMicros(time_.Now())}, [&](const SqlRow& row) {
      numbers.push_back(row.Int(0));
      return absl::OkStatus();
    });
  }));
  const std::string one = SelectJob(fmt::format("WHERE {} AND number = ?2", condition));
  int ended = 0;
  for (const int64_t number : numbers) {
    VICO_FAILPOINT("housekeeping.between_rows");
    ASSIGN_OR_RETURN(const bool changed, EndOne(number, one, end));
    ended += changed ? 1 : 0;
  }
  return ended;
}

absl::StatusOr<int> SqlJobStore::ReturnExpired() {
  return EndAll("state = 'running' AND lease_until < ?1", &SqlJobStore::EndExpired);
}

absl::StatusOr<int> SqlJobStore::FailOverdue() {
  ASSIGN_OR_RETURN(const int waited,
                   EndAll("state = 'queued' AND queue_until < ?1", &SqlJobStore::EndOverdue));
  ASSIGN_OR_RETURN(const int lasted,
                   EndAll("state = 'running' AND deadline < ?1", &SqlJobStore::EndOverdue));
  return waited + lasted;
}

absl::Status SqlJobStore::ExtendLeases() {
  return database_.Write([&](SqlSession& db) {
    return db
        .Execute("UPDATE job SET lease_until = ? WHERE state = 'running'",
                 {absl::ToUnixMicros(LeaseEnd())})
        .status();
  });
}

}  // namespace vico::server
