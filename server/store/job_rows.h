// A job as a row of the embedded database: reading it, and the one statement that changes it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/tracing/trace_context.h"
#include "server/jobs/job_states.h"
#include "server/sql/sqlite.h"
#include "vico/v1/job.pb.h"
#include "vico/v1/worker.pb.h"

namespace vico::server {

/// The job clients see (without queue_position) and what only the store knows. Empty texts and zero
/// times are NULL in the row.
struct JobRow {
  int64_t number = 0;
  std::string tenant;
  v1::Job job;
  int failures = 0;
  int crashes = 0;
  absl::Duration not_before;  ///< uptime
  std::string lease_id;
  std::string lease_worker;
  std::string lease_nonce;
  absl::Duration lease_until;  ///< uptime
  uint64_t report_number = 0;
  std::string base_model_digest;
  v1::TrainingCheckpoints checkpoints;  ///< none once the job has ended
  absl::Time queue_until;               ///< steady time; the wait of a queued job ends then
  absl::Time deadline;                  ///< steady time; the job ends then
  TraceContext trace;                   ///< of the call that made it
  absl::Time state_time;                ///< wall time, whole microseconds: in its state since
};

/// When a change is made.
struct Moment {
  absl::Duration uptime;
  absl::Time steady;
};

/// The columns that FromRow reads, in its order.
extern const std::string_view kJobColumns;
absl::StatusOr<JobRow> FromRow(const SqlRow& row);

/// "SELECT {kJobColumns} FROM job " + `rest`.
std::string SelectJob(std::string_view rest);

/// kNotFound "jobs/…: no such job".
absl::StatusOr<JobRow> FindJob(SqliteConnection& db, std::string_view name);
absl::StatusOr<JobRow> FindJobOfTenant(SqliteConnection& db, std::string_view tenant,
                                       std::string_view name);

/// The first row of a query for kJobColumns, if there is one.
absl::Status FindFirst(SqliteConnection& db, std::string_view sql, SqlValues values, JobRow& row,
                       bool& found);

/// The job's row, if this lease holds it; kAborted, reason LEASE_LOST, if not.
absl::StatusOr<JobRow> FindLeased(SqliteConnection& db, std::string_view job,
                                  std::string_view lease_id);
absl::Status LeaseLost(std::string_view job);


/// How many queued jobs are older.
absl::StatusOr<int64_t> JobsAhead(SqliteConnection& db, int64_t number);

/// Writes a new job, its `queued` event and the warnings; fills in `number`. The tenant's row is
/// made if need be. `now` is when its wait begins.
absl::Status InsertJob(SqliteConnection& db, absl::Time now,
                       const std::vector<v1::Event::Warning>& warnings, JobRow& row);

/// Changes the row from `before` to `after`. The statement is guarded by the table of
/// server/job_states and by the state, attempt, lease id and lease time of `before`, so that
/// whatever has changed meanwhile makes it kAborted, reason LEASE_LOST. What the table does not
/// have is kInternal.
absl::Status SaveJob(SqliteConnection& db, JobChange change, const Moment& now,
                     const JobRow& before, const JobRow& after);

/// The checkpoints in `row`, and no others, are what the job names as such; SaveJob lets them go
/// when the job ends. kFailedPrecondition, reason BLOB_MISSING, as NameBlobs.
absl::Status NameCheckpoints(SqliteConnection& db, absl::Time now, const JobRow& row);

/// Numbers the event, dates it, writes it, and counts it in `row`, which must be saved afterwards.
absl::Status AppendEvent(SqliteConnection& db, absl::Time now, JobRow& row, v1::Event event);

}  // namespace vico::server
