// What time does to jobs: leases that run out, waits and deadlines that pass.
#include <vector>

#include <fmt/format.h>

#include "common/failpoint.h"
#include "common/status.h"
#include "server/jobs/job.h"
#include "server/store/sql_job_store.h"

namespace vico::server {

/// One more lost worker or engine: true when there is another try.
absl::StatusOr<bool> SqlJobStore::CountCrash(SqliteConnection& db, JobRow& row) {
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

// The lease ran out: the worker is gone, or cannot reach us.
absl::StatusOr<JobChange> SqlJobStore::GiveBack(SqliteConnection& db, JobRow& row) {
  if (row.job.cancel_requested()) {
    RETURN_IF_ERROR(CancelNow(db, row));
    return JobChange::kStopExpired;
  }
  ASSIGN_OR_RETURN(const bool again, CountCrash(db, row));
  return again ? JobChange::kExpire : JobChange::kLose;
}

absl::StatusOr<JobChange> SqlJobStore::EndOverdue(SqliteConnection& db, JobRow& row) {
  const bool waits = row.job.state() == v1::JOB_STATE_QUEUED;
  const absl::Status error = waits ? Error(absl::StatusCode::kDeadlineExceeded,
                                           fmt::format("no worker took it within {} h",
                                                       absl::ToInt64Hours(options_.queue_limit)),
                                           "QUEUE_TIMEOUT")
                                   : Error(absl::StatusCode::kDeadlineExceeded,
                                           fmt::format("it was not done within {} h",
                                                       absl::ToInt64Hours(options_.total_limit)),
                                           "DEADLINE_PASSED");
  RETURN_IF_ERROR(Fail(db, row, error));
  return waits ? JobChange::kTimeOut : JobChange::kOverrun;
}

// Between the look and the change a report may have come: each job is looked at again in its own
// transaction, and once more by the guard of the statement that changes it.
absl::StatusOr<bool> SqlJobStore::EndOne(int64_t number, const std::string& sql, End end) {
  JobRow before;
  JobRow row;
  bool found = false;
  JobChange change = JobChange::kExpire;
  RETURN_IF_ERROR(database_.Write([&](SqliteConnection& db) -> absl::Status {
    Moment now = NowIs();
    if (VICO_DEFECT("housekeeping_without_recheck")) now.uptime = absl::InfiniteDuration();
    RETURN_IF_ERROR(FindFirst(
        db, sql, {absl::ToInt64Microseconds(now.uptime), absl::ToUnixMicros(now.steady), number},
        before, found));
    if (!found) return absl::OkStatus();
    row = before;
    ASSIGN_OR_RETURN(change, (this->*end)(db, row));
    return SaveJob(db, change, now, before, row);
  }));
  if (found) {
    feed_.JobChanged(before.job.name());
    feed_.QueueChanged();
    Tell(PhaseEnded(change, before, row));
  }
  return found;
}

/// Ends what `condition` finds, in which ?1 is the uptime and ?2 steady time.
absl::StatusOr<int> SqlJobStore::EndAll(std::string_view condition, End end) {
  std::vector<int64_t> numbers;
  const Moment now = NowIs();
  const std::string all = fmt::format(
      "SELECT number FROM job WHERE ({}) AND ?1 IS NOT NULL AND ?2 IS NOT NULL", condition);
  RETURN_IF_ERROR(database_.Read([&](SqliteConnection& db) {
    return db.Query(all, {absl::ToInt64Microseconds(now.uptime), absl::ToUnixMicros(now.steady)},
                    [&](const SqlRow& row) {
                      numbers.push_back(row.Int(0));
                      return absl::OkStatus();
                    });
  }));
  const std::string one = SelectJob(fmt::format("WHERE number = ?3 AND ({})", condition));
  int ended = 0;
  for (const int64_t number : numbers) {
    VICO_FAILPOINT("housekeeping.between_rows");
    ASSIGN_OR_RETURN(const bool changed, EndOne(number, one, end));
    ended += changed ? 1 : 0;
  }
  return ended;
}

absl::StatusOr<int> SqlJobStore::ReturnExpired() {
  return EndAll("state = 'running' AND lease_until < ?1", &SqlJobStore::GiveBack);
}

absl::StatusOr<int> SqlJobStore::FailOverdue() {
  ASSIGN_OR_RETURN(const int waited,
                   EndAll("state = 'queued' AND queue_until < ?2", &SqlJobStore::EndOverdue));
  ASSIGN_OR_RETURN(const int lasted,
                   EndAll("state = 'running' AND deadline < ?2", &SqlJobStore::EndOverdue));
  return waited + lasted;
}

absl::Status SqlJobStore::ExtendLeases() {
  return database_.Write([&](SqliteConnection& db) {
    return db
        .Execute("UPDATE job SET lease_until = ? WHERE state = 'running'",
                 {absl::ToInt64Microseconds(clock_.Uptime() + options_.lease)})
        .status();
  });
}

}  // namespace vico::server
