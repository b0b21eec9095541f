// Housekeeping of the job store: expired leases, waits and deadlines.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "common/failpoint.h"
#include "common/status.h"
#include "server/jobs/job.h"
#include "server/store/sql_job_store.h"

namespace vico::server {
namespace {

// How much the clocks of two servers, which both follow the database's, may differ.
constexpr absl::Duration kClockSlack = absl::Seconds(1);
// A new leader is there sooner.
constexpr absl::Duration kShortestTakeover = absl::Seconds(5);

}  // namespace

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
    feed_.JobChanged(before.tenant, before.job.name());
    if (row.job.state() == v1::JOB_STATE_QUEUED) feed_.QueueChanged(BaseModelOf(row.job.spec()));
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
  const std::string one =
      SelectJob(fmt::format("WHERE {} AND number = ?2 FOR NO KEY UPDATE", condition));
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
  return database_.Write([&](SqlSession& db) { return ExtendIn(db); });
}

absl::Status SqlJobStore::ExtendIn(SqlSession& db) const {
  RETURN_IF_ERROR(db.Send("UPDATE job SET lease_until = ? WHERE state = 'running'",
                          {absl::ToUnixMicros(LeaseEnd())}));
  // They may lie far ahead, if the clock was set back while no server ran.
  return db.Execute("UPDATE job SET not_before = 0 WHERE state = 'queued' AND not_before <> 0")
      .status();
}

absl::StatusOr<bool> SqlJobStore::KeepsHouse(bool leader) {
  constexpr std::string_view kTime = R"(SELECT time FROM heartbeat WHERE "only" = 1)";
  static const std::string kLocked = std::string(kTime) + " FOR NO KEY UPDATE";
  absl::Duration age;
  const auto read_age = [&](SqlSession& db, std::string_view sql) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t time, db.QueryInt(sql, {}, 0));
    age = time_.Now() - absl::FromUnixMicros(time);
    return absl::OkStatus();
  };
  // A heartbeat of the future is one before the clock was set back.
  const auto is_ahead = [&] { return age < -kClockSlack; };
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) { return read_age(db, kTime); }));
  // Otherwise workers could report to this server, if to no other one.
  const absl::Duration now = clock_.Uptime();
  const absl::Duration before =
      absl::Microseconds(looked_us_.exchange(absl::ToInt64Microseconds(now)));
  const bool was_away = now - before > options_.lease / 2;
  if (!leader && !is_ahead() && age <= std::max(options_.lease, kShortestTakeover)) return false;
  if (!is_ahead() && age < options_.lease / 10) return true;
  RETURN_IF_ERROR(database_.Write([&](SqlSession& db) -> absl::Status {
    RETURN_IF_ERROR(read_age(db, kLocked));
    if (is_ahead() || (was_away && age > options_.lease / 2)) RETURN_IF_ERROR(ExtendIn(db));
    return db.Send(R"(UPDATE heartbeat SET time = ? WHERE "only" = 1)",
                   {absl::ToUnixMicros(time_.Now())});
  }));
  return true;
}

}  // namespace vico::server
