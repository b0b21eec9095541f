// The end of finished jobs: DeleteJob, and housekeeping's deletion of old rows.
#include <vector>

#include <fmt/format.h>

#include "common/failpoint.h"
#include "common/status.h"
#include "server/blobs/blob_rows.h"
#include "server/jobs/job.h"
#include "server/rows/job_picture_rows.h"
#include "server/rows/request_row.h"
#include "server/store/sql_job_store.h"

namespace vico::server {
namespace {

// Of one call of DeleteOld. A batch is one transaction, so it must not delay leases.
constexpr int kJobsAtOnce = 20;
constexpr int64_t kEventsAtOnce = 2000;
constexpr int64_t kRequestsAtOnce = 200;

/// Deletes the rows of a finished job. The adapter of a training and the request id stay.
absl::Status DeleteRows(SqlSession& db, absl::Time now, const JobRow& row) {
  const std::string& name = row.job.name();
  RETURN_IF_ERROR(db.Send("DELETE FROM event WHERE job = ?", {row.number}));
  RETURN_IF_ERROR(db.Send("DELETE FROM finish WHERE job = ?", {name}));
  RETURN_IF_ERROR(UnnameBlobs(db, now, row.tenant, name));
  RETURN_IF_ERROR(UnnameBlobs(db, now, row.tenant, CheckpointUser(name)));
  RETURN_IF_ERROR(ReleaseJobPictures(db, now, row));
  RETURN_IF_ERROR(MarkRequestGone(db, now, row.tenant, name));
  return db.Send("DELETE FROM job WHERE number = ?", {row.number});
}

struct OldJob {
  int64_t number = 0;
  int64_t events = 0;
};

/// The oldest finished jobs whose end is before `before`: as many as fit into one batch, at least
/// one if there is one.
absl::StatusOr<std::vector<OldJob>> FindOld(SqlSession& db, absl::Time before) {
  std::vector<OldJob> found;
  int64_t events = 0;
  RETURN_IF_ERROR(db.Query(
      "SELECT number, last_sequence FROM job WHERE finish_time IS NOT NULL AND finish_time < ? "
      "AND state IN ('succeeded', 'failed', 'cancelled') ORDER BY finish_time LIMIT ?",
      {absl::ToUnixMicros(before), int64_t{kJobsAtOnce}}, [&](const SqlRow& row) {
        events += row.Int(1);
        if (found.empty() || events <= kEventsAtOnce) found.push_back({row.Int(0), row.Int(1)});
        return absl::OkStatus();
      }));
  return found;
}

/// The succeeded trainings whose checkpoint is kept and whose end is before `before`: at most
/// kJobsAtOnce, the oldest.
absl::StatusOr<std::vector<int64_t>> FindKept(SqlSession& db, absl::Time before) {
  std::vector<int64_t> found;
  RETURN_IF_ERROR(
      db.Query("SELECT number FROM job WHERE state = 'succeeded' AND length(checkpoints) > 0 "
               "AND finish_time < ? ORDER BY finish_time LIMIT ?",
               {absl::ToUnixMicros(before), int64_t{kJobsAtOnce}}, [&](const SqlRow& row) {
                 found.push_back(row.Int(0));
                 return absl::OkStatus();
               }));
  return found;
}

absl::Status ReleaseCheckpoints(SqlSession& db, absl::Time now, const JobRow& row) {
  RETURN_IF_ERROR(
      db.Send("UPDATE job SET checkpoints = ? WHERE number = ?", {Bytes{}, row.number}));
  return UnnameBlobs(db, now, row.tenant, CheckpointUser(row.job.name()));
}

}  // namespace

absl::Status SqlJobStore::Delete(std::string_view tenant, std::string_view job) {
  RETURN_IF_ERROR(database_.Write([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(const JobRow row, HoldJobOfTenant(db, tenant, job));
    if (!IsTerminal(row.job.state())) {
      return Error(absl::StatusCode::kFailedPrecondition,
                   fmt::format("name: {} is {}; cancel it first, and delete it when it has ended",
                               job, StateName(row.job.state())),
                   "JOB_NOT_FINISHED");
    }
    return DeleteRows(db, time_.Now(), row);
  }));
  feed_.JobChanged(tenant, job);
  VICO_FAILPOINT("delete.after_commit");
  return absl::OkStatus();
}

absl::StatusOr<int> SqlJobStore::DeleteOld() {
  const absl::Time now = time_.Now();
  const Retention& keep = options_.retention;
  const absl::Time jobs_before = now - keep.finished_jobs;
  const int64_t gone_before = absl::ToUnixMicros(now - keep.request_ids);
  std::vector<OldJob> old;
  std::vector<int64_t> kept;
  int64_t requests = 0;
  RETURN_IF_ERROR(database_.Read([&](SqlSession& db) -> absl::Status {
    if (keep.finished_jobs > absl::ZeroDuration()) {
      ASSIGN_OR_RETURN(old, FindOld(db, jobs_before));
    }
    ASSIGN_OR_RETURN(kept, FindKept(db, now - keep.checkpoints));
    ASSIGN_OR_RETURN(requests, db.QueryInt("SELECT 1 FROM request WHERE gone_time IS NOT NULL "
                                           "AND gone_time < ? LIMIT 1",
                                           {gone_before}, 0));
    return absl::OkStatus();
  }));
  // Without old rows a turn writes nothing.
  if (old.empty() && kept.empty() && requests == 0) return 0;
  static const std::string kByNumber = SelectJob("WHERE job.number = ? FOR NO KEY UPDATE");
  std::vector<JobRow> deleted;
  int released = 0;
  int forgotten = 0;
  RETURN_IF_ERROR(database_.Write([&](SqlSession& db) -> absl::Status {
    deleted.clear();
    released = 0;
    for (const int64_t number : kept) {
      JobRow row;
      bool found = false;
      RETURN_IF_ERROR(FindFirst(db, kByNumber, {number}, row, found));
      if (!found) continue;
      RETURN_IF_ERROR(ReleaseCheckpoints(db, now, row));
      ++released;
    }
    for (const OldJob& job : old) {
      JobRow row;
      bool found = false;
      RETURN_IF_ERROR(FindFirst(db, kByNumber, {job.number}, row, found));
      if (!found) continue;  // its owner was faster
      RETURN_IF_ERROR(DeleteRows(db, now, row));
      deleted.push_back(std::move(row));
    }
    ASSIGN_OR_RETURN(forgotten,
                     db.Execute("DELETE FROM request WHERE (tenant, request_id) IN "
                                "(SELECT tenant, request_id FROM request WHERE gone_time IS NOT "
                                "NULL AND gone_time < ? ORDER BY gone_time LIMIT ?)",
                                {gone_before, kRequestsAtOnce}));
    return absl::OkStatus();
  }));
  for (const JobRow& row : deleted) feed_.JobChanged(row.tenant, row.job.name());
  return static_cast<int>(deleted.size()) + released + forgotten;
}

}  // namespace vico::server
