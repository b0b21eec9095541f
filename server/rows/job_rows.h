// A job as a row of the database: reading it, and the one statement that changes it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/tracing/trace_context.h"
#include "server/jobs/job_phase.h"
#include "server/jobs/job_pictures.h"
#include "server/jobs/job_states.h"
#include "server/sql/sql_session.h"
#include "vico/v1/job.pb.h"
#include "vico/v1/worker.pb.h"

namespace vico::server {

/// The job as clients see it, without queue_position, and the columns of the store. Empty texts are
/// NULL in the row. Times are store time except where noted.
struct JobRow {
  int64_t number = 0;
  std::string tenant;
  v1::Job job;
  int failures = 0;
  int crashes = 0;
  absl::Time not_before = absl::UnixEpoch();  ///< a queued job is not leased earlier
  std::string lease_id;
  std::string lease_worker;
  std::string lease_nonce;
  absl::Time lease_until = absl::UnixEpoch();  ///< NULL without a lease
  uint64_t report_number = 0;
  std::string base_model_digest;
  JobPictures pictures;  ///< not read by FromRow: job_picture_rows.h
  /// Those from which the next attempt may start; of a succeeded training those that are kept for
  /// one that continues it; none once the job has ended otherwise.
  v1::TrainingCheckpoints checkpoints;
  absl::Time queue_until;    ///< end of a queued job's wait
  absl::Time deadline;       ///< end of the job, waits included
  TraceContext trace;        ///< of the call that created the job
  absl::Time state_time;     ///< wall time of the last change of state, in microseconds
  std::string concept_name;  ///< of an evaluation's pictures; for InsertJob() only
};

/// The state of StateName(); unspecified for any other text.
v1::JobState StateFromName(std::string_view name);

/// The columns that FromRow reads, in its order.
extern const std::string_view kJobColumns;
absl::StatusOr<JobRow> FromRow(const SqlRow& row);

/// "SELECT {kJobColumns} FROM job " + `rest`.
std::string SelectJob(std::string_view rest);

/// kNotFound, reason JOB_NOT_FOUND.
absl::Status NoSuchJob(std::string_view name);
absl::StatusOr<JobRow> FindJob(SqlSession& db, std::string_view name);
absl::StatusOr<JobRow> FindJobOfTenant(SqlSession& db, std::string_view tenant,
                                       std::string_view name);

/// The first row of a query for kJobColumns, if there is one.
absl::Status FindFirst(SqlSession& db, std::string_view sql, SqlValues values, JobRow& row,
                       bool& found);

/// As FindJob and FindJobOfTenant, for a change: nobody else changes the row until the commit.
absl::StatusOr<JobRow> HoldJob(SqlSession& db, std::string_view name);
absl::StatusOr<JobRow> HoldJobOfTenant(SqlSession& db, std::string_view tenant,
                                       std::string_view name);

/// The job's row while this lease is live; otherwise kAborted, reason LEASE_LOST.
absl::StatusOr<JobRow> FindLeased(SqlSession& db, std::string_view job, std::string_view lease_id);
absl::StatusOr<JobRow> HoldLeased(SqlSession& db, std::string_view job, std::string_view lease_id);

/// `row` while `lease_id` is its live lease; otherwise kAborted, reason LEASE_LOST.
absl::Status CheckLease(const JobRow& row, std::string_view lease_id);
absl::Status LeaseLost(std::string_view job);

/// The number of queued jobs with a number of at least `from` and below `below`. It reads an index
/// of queued jobs only: about 0.1 us a job.
absl::StatusOr<int64_t> CountQueued(SqlSession& db, int64_t from, int64_t below);

/// The number of older queued jobs.
inline absl::StatusOr<int64_t> JobsAhead(SqlSession& db, int64_t number) {
  return CountQueued(db, 0, number);
}

/// Sets the queue positions of the queued ones of `rows`, which are newest first, in one pass over
/// the queue.
absl::Status SetPositions(SqlSession& db, std::span<JobRow> rows);

/// Inserts a new job, its `queued` event and the warnings, and the tenant if it is missing; fills
/// in `number`. The job has its queue position. `now` is the wall time at which its wait begins.
absl::Status InsertJob(SqlSession& db, absl::Time now,
                       const std::vector<v1::Event::Warning>& warnings, JobRow& row);

/// Stores the job's display name and labels.
absl::Status SaveDisplay(SqlSession& db, const JobRow& row);

/// Changes the row from `before` to `after`; `now` is store time. The statement is guarded by the
/// table of server/jobs/job_states and by the state, attempt, lease id and lease time of `before`:
/// kAborted, reason LEASE_LOST, when the row has changed meanwhile, which may be the error of a
/// later statement or of Database::Write. kInternal for a change that is not in the table.
absl::Status SaveJob(SqlSession& db, JobChange change, absl::Time now, const JobRow& before,
                     const JobRow& after);

/// The phase that a change of the row from `before` to `after` ended.
JobPhase PhaseEnded(JobChange end, const JobRow& before, const JobRow& after);

/// References the checkpoints in `row` in place of the job's earlier ones. SaveJob removes the
/// references when the job ends, unless it has succeeded. kFailedPrecondition, reason BLOB_MISSING,
/// as NameBlobs.
absl::Status NameCheckpoints(SqlSession& db, absl::Time now, const JobRow& row);

/// Sets the event's number and time, inserts it, and counts it in `row`, which the caller must
/// save.
absl::Status AppendEvent(SqlSession& db, absl::Time now, JobRow& row, v1::Event event);

}  // namespace vico::server
