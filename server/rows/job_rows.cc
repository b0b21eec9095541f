#include "server/rows/job_rows.h"

#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>

#include "common/proto_time.h"
#include "common/status.h"
#include "common/tracing/trace_message.h"
#include "server/blobs/blob_rows.h"
#include "server/jobs/job.h"
#include "server/jobs/job_kinds.h"
#include "server/jobs/picture_names.h"

namespace vico::server {
namespace {

using google::protobuf::Timestamp;
using google::protobuf::util::TimeUtil;

SqlValue TimeOrNull(bool is_set, const Timestamp& time) {
  return is_set ? SqlValue(TimeUtil::TimestampToMicroseconds(time)) : SqlValue(nullptr);
}

SqlValue LeaseUntil(const JobRow& row) {
  return row.lease_id.empty() ? SqlValue(nullptr) : SqlValue(absl::ToUnixMicros(row.lease_until));
}

std::string PicturesOf(const v1::Job& job) {
  v1::GenerateResult result;
  *result.mutable_pictures() = job.pictures();
  return result.SerializeAsString();
}

/// Built once for each change.
const std::string& UpdateSql(JobChange change) {
  static const std::vector<std::string> statements = [] {
    std::vector<std::string> made;
    for (const Transition& transition : Transitions()) {
      made.push_back(
          "UPDATE job SET state = ?, attempt = ?, failures = ?, crashes = ?, "
          "cancel_requested = ?, not_before = ?, lease_id = ?, lease_worker = ?, "
          "lease_nonce = ?, lease_until = ?, report_number = ?, base_model_digest = ?, step = ?, "
          "total_steps = ?, start_time = ?, finish_time = ?, last_sequence = ?, "
          "result_adapter = ?, pictures = ?, error = ?, queue_until = ?26, checkpoints = ?27, "
          "state_time = ?28 "
          "WHERE " +
          GuardSql(transition));
    }
    return made;
  }();
  return statements[static_cast<size_t>(change)];
}

/// Checks the new row against the table of transitions.
absl::Status CheckChange(const Transition& table, const JobRow& before, const JobRow& after) {
  const v1::Job& from = before.job;
  const v1::Job& to = after.job;
  const bool has_lease = !after.lease_id.empty();
  const bool lease_fits =
      table.lease == LeaseEffect::kBegins  ? has_lease && after.lease_id != before.lease_id
      : table.lease == LeaseEffect::kStays ? has_lease && after.lease_id == before.lease_id
                                           : !has_lease;
  if (table.from != v1::JOB_STATE_UNSPECIFIED && from.state() == table.from &&
      to.state() == table.to && to.attempt() == from.attempt() + table.attempts &&
      after.failures == before.failures + table.failures &&
      after.crashes == before.crashes + table.crashes &&
      to.cancel_requested() == (from.cancel_requested() || table.sets_cancel) && lease_fits) {
    return absl::OkStatus();
  }
  return absl::InternalError(fmt::format("{}: illegal change \"{}\" from {} to {}", to.name(),
                                         table.name, StateName(from.state()),
                                         StateName(to.state())));
}

absl::Status Unreadable(std::string_view what) {
  return absl::DataLossError(fmt::format("database: a stored {} cannot be read", what));
}

absl::StatusOr<JobRow> FindByName(SqlSession& db, std::string_view sql, std::string_view name) {
  absl::StatusOr<JobRow> found = NoSuchJob(name);
  RETURN_IF_ERROR(db.Query(sql, {name}, [&](const SqlRow& row) {
    found = FromRow(row);
    return absl::OkStatus();
  }));
  return found;
}

}  // namespace

v1::JobState StateFromName(std::string_view name) {
  for (int state = v1::JobState_MIN; state <= v1::JobState_MAX; ++state) {
    if (StateName(static_cast<v1::JobState>(state)) == name) {
      return static_cast<v1::JobState>(state);
    }
  }
  return v1::JOB_STATE_UNSPECIFIED;
}

const std::string_view kJobColumns =
    "job.number, job.tenant, job.name, job.state, job.spec, job.create_time, job.attempt, "
    "job.failures, job.crashes, job.cancel_requested, job.not_before, job.lease_id, "
    "job.lease_worker, job.lease_nonce, job.lease_until, job.report_number, "
    "job.base_model_digest, job.step, job.total_steps, job.start_time, job.finish_time, "
    "job.last_sequence, job.result_adapter, job.pictures, job.error, job.checkpoints, "
    "job.queue_until, job.deadline, job.trace, job.state_time, job.display, job.finish_requested";

absl::StatusOr<JobRow> FromRow(const SqlRow& columns) {
  JobRow row;
  v1::Job& job = row.job;
  row.number = columns.Int(0);
  row.tenant = columns.Text(1);
  job.set_name(columns.Text(2));
  job.set_state(StateFromName(columns.Text(3)));
  if (!job.mutable_spec()->ParseFromString(columns.Text(4))) return Unreadable("spec");
  job.set_kind(KindOf(job.spec()));
  *job.mutable_create_time() = TimeUtil::MicrosecondsToTimestamp(columns.Int(5));
  job.set_attempt(static_cast<int32_t>(columns.Int(6)));
  row.failures = static_cast<int>(columns.Int(7));
  row.crashes = static_cast<int>(columns.Int(8));
  job.set_cancel_requested(columns.Int(9) != 0);
  row.not_before = absl::FromUnixMicros(columns.Int(10));
  row.lease_id = columns.Text(11);
  row.lease_worker = columns.Text(12);
  row.lease_nonce = columns.Text(13);
  row.lease_until = absl::FromUnixMicros(columns.Int(14));
  row.report_number = static_cast<uint64_t>(columns.Int(15));
  row.base_model_digest = columns.Text(16);
  job.set_step(columns.Int(17));
  job.set_total_steps(columns.Int(18));
  if (const int64_t time = columns.Int(19); time != 0) {
    *job.mutable_start_time() = TimeUtil::MicrosecondsToTimestamp(time);
  }
  if (const int64_t time = columns.Int(20); time != 0) {
    *job.mutable_finish_time() = TimeUtil::MicrosecondsToTimestamp(time);
  }
  job.set_last_sequence(static_cast<uint64_t>(columns.Int(21)));
  job.set_adapter(columns.Text(22));
  v1::GenerateResult pictures;
  if (!pictures.ParseFromString(columns.Text(23))) return Unreadable("result");
  *job.mutable_pictures() = std::move(*pictures.mutable_pictures());
  if (job.state() == v1::JOB_STATE_FAILED &&
      !job.mutable_error()->ParseFromString(columns.Text(24))) {
    return Unreadable("error");
  }
  if (!row.checkpoints.ParseFromString(columns.Text(25))) return Unreadable("checkpoint");
  row.queue_until = absl::FromUnixMicros(columns.Int(26));
  row.deadline = absl::FromUnixMicros(columns.Int(27));
  v1::TraceContext trace;
  if (!trace.ParseFromString(columns.Text(28))) return Unreadable("trace");
  row.trace = FromProto(trace);
  row.state_time = absl::FromUnixMicros(columns.Int(29));
  v1::Job display;
  if (!display.ParseFromString(columns.Text(30))) return Unreadable("label");
  job.set_display_name(display.display_name());
  *job.mutable_labels() = std::move(*display.mutable_labels());
  job.set_finish_requested(columns.Int(31) != 0);
  return row;
}

std::string SelectJob(std::string_view rest) {
  return fmt::format("SELECT {} FROM job {}", kJobColumns, rest);
}

absl::Status NoSuchJob(std::string_view name) {
  return Error(absl::StatusCode::kNotFound, fmt::format("{}: no such job", name), "JOB_NOT_FOUND");
}

absl::StatusOr<JobRow> FindJob(SqlSession& db, std::string_view name) {
  static const std::string kSql = SelectJob("WHERE job.name = ?");
  return FindByName(db, kSql, name);
}

absl::StatusOr<JobRow> HoldJob(SqlSession& db, std::string_view name) {
  static const std::string kSql = SelectJob("WHERE job.name = ? FOR NO KEY UPDATE");
  return FindByName(db, kSql, name);
}

absl::StatusOr<JobRow> HoldJobOfTenant(SqlSession& db, std::string_view tenant,
                                       std::string_view name) {
  ASSIGN_OR_RETURN(JobRow row, HoldJob(db, name));
  if (row.tenant != tenant) return NoSuchJob(name);
  return row;
}

absl::StatusOr<JobRow> FindJobOfTenant(SqlSession& db, std::string_view tenant,
                                       std::string_view name) {
  ASSIGN_OR_RETURN(JobRow row, FindJob(db, name));
  if (row.tenant != tenant) return NoSuchJob(name);
  return row;
}

absl::Status FindFirst(SqlSession& db, std::string_view sql, SqlValues values, JobRow& row,
                       bool& found) {
  found = false;
  return db.Query(sql, values, [&](const SqlRow& columns) -> absl::Status {
    ASSIGN_OR_RETURN(row, FromRow(columns));
    found = true;
    return absl::OkStatus();
  });
}

absl::Status LeaseLost(std::string_view job) {
  return Error(absl::StatusCode::kAborted, fmt::format("{}: this lease has ended", job),
               "LEASE_LOST");
}

absl::Status CheckLease(const JobRow& row, std::string_view lease_id) {
  return row.job.state() == v1::JOB_STATE_RUNNING && row.lease_id == lease_id
             ? absl::OkStatus()
             : LeaseLost(row.job.name());
}

absl::StatusOr<JobRow> FindLeased(SqlSession& db, std::string_view job, std::string_view lease_id) {
  ASSIGN_OR_RETURN(JobRow row, FindJob(db, job));
  RETURN_IF_ERROR(CheckLease(row, lease_id));
  return row;
}

absl::StatusOr<JobRow> HoldLeased(SqlSession& db, std::string_view job, std::string_view lease_id) {
  ASSIGN_OR_RETURN(JobRow row, HoldJob(db, job));
  RETURN_IF_ERROR(CheckLease(row, lease_id));
  return row;
}

absl::StatusOr<int64_t> CountQueued(SqlSession& db, int64_t from, int64_t below) {
  return db.QueryInt(
      "SELECT count(*) FROM job WHERE state = 'queued' AND number >= ? AND number < ?",
      {from, below}, 0);
}

absl::Status SetPositions(SqlSession& db, std::span<JobRow> rows) {
  int64_t counted_to = 0;
  int64_t ahead = 0;
  for (auto row = rows.rbegin(); row != rows.rend(); ++row) {
    if (row->job.state() != v1::JOB_STATE_QUEUED) continue;
    ASSIGN_OR_RETURN(const int64_t between, CountQueued(db, counted_to, row->number));
    ahead += between;
    counted_to = row->number;
    row->job.set_queue_position(static_cast<uint64_t>(ahead));
  }
  return absl::OkStatus();
}

absl::Status InsertJob(SqlSession& db, absl::Time now,
                       const std::vector<v1::Event::Warning>& warnings, JobRow& row) {
  v1::Job& job = row.job;
  *job.mutable_create_time() = ToProto(now);
  job.set_state(v1::JOB_STATE_QUEUED);
  job.set_kind(KindOf(job.spec()));
  row.state_time = absl::FromUnixMicros(absl::ToUnixMicros(now));
  RETURN_IF_ERROR(
      db.Send("INSERT INTO tenant (name) VALUES (?) ON CONFLICT DO NOTHING", {row.tenant}));
  const std::string spec = job.spec().SerializeAsString();
  const std::string trace = ToProto(row.trace).SerializeAsString();
  ASSIGN_OR_RETURN(
      row.number,
      db.QueryInt(
          "INSERT INTO job (name, tenant, kind, state, base_model, concept, adapter, spec, "
          "create_time, attempt, failures, crashes, cancel_requested, not_before, "
          "report_number, step, total_steps, last_sequence, queue_until, deadline, trace, "
          "state_time, pictures, devices) "
          "VALUES (?, ?, ?, 'queued', ?, ?, ?, ?, ?, 0, 0, 0, 0, 0, 0, 0, ?, ?, ?, ?, ?, ?, ?, ?) "
          "RETURNING number",
          {job.name(), row.tenant, KindName(job.kind()), BaseModelOf(job.spec()),
           TextOrNull(job.spec().has_train() ? job.spec().train().concept_name()
                                             : row.concept_name),
           TextOrNull(AdapterOf(job.spec())), Bytes{spec}, absl::ToUnixMicros(now),
           job.total_steps(), static_cast<int64_t>(1 + warnings.size()),
           absl::ToUnixMicros(row.queue_until), absl::ToUnixMicros(row.deadline), Bytes{trace},
           absl::ToUnixMicros(row.state_time), Bytes{}, int64_t{DevicesOf(job.spec())}},
          0));
  v1::Event queued;
  queued.mutable_queued()->set_position(job.queue_position());
  queued.mutable_queued()->set_traceparent(Traceparent(row.trace));
  RETURN_IF_ERROR(AppendEvent(db, now, row, std::move(queued)));
  for (const v1::Event::Warning& warning : warnings) {
    v1::Event event;
    *event.mutable_warning() = warning;
    RETURN_IF_ERROR(AppendEvent(db, now, row, std::move(event)));
  }
  return absl::OkStatus();
}

absl::Status SaveDisplay(SqlSession& db, const JobRow& row) {
  v1::Job display;
  display.set_display_name(row.job.display_name());
  *display.mutable_labels() = row.job.labels();
  const std::string bytes = display.SerializeAsString();
  return db.Send("UPDATE job SET display = ? WHERE number = ?", {Bytes{bytes}, row.number});
}

absl::Status SaveJob(SqlSession& db, JobChange change, absl::Time now, const JobRow& before,
                     const JobRow& after) {
  const v1::Job& job = after.job;
  const Transition& transition = TransitionOf(change);
  RETURN_IF_ERROR(CheckChange(transition, before, after));
  const std::string pictures = PicturesOf(job);
  const std::string error = job.error().SerializeAsString();
  const bool keeps_checkpoints = !IsTerminal(job.state()) || job.state() == v1::JOB_STATE_SUCCEEDED;
  const std::string checkpoints = keeps_checkpoints ? after.checkpoints.SerializeAsString() : "";
  RETURN_IF_ERROR(
      db.SendOne(UpdateSql(change),
                 {StateName(job.state()),
                  int64_t{job.attempt()},
                  int64_t{after.failures},
                  int64_t{after.crashes},
                  int64_t{job.cancel_requested()},
                  absl::ToUnixMicros(after.not_before),
                  TextOrNull(after.lease_id),
                  TextOrNull(after.lease_worker),
                  TextOrNull(after.lease_nonce),
                  LeaseUntil(after),
                  static_cast<int64_t>(after.report_number),
                  TextOrNull(after.base_model_digest),
                  job.step(),
                  job.total_steps(),
                  TimeOrNull(job.has_start_time(), job.start_time()),
                  TimeOrNull(job.has_finish_time(), job.finish_time()),
                  static_cast<int64_t>(job.last_sequence()),
                  TextOrNull(job.adapter()),
                  Bytes{pictures},
                  job.has_error() ? SqlValue(Bytes{error}) : SqlValue(nullptr),
                  before.number,
                  int64_t{before.job.attempt()},
                  std::string_view(before.lease_id),
                  absl::ToUnixMicros(now),
                  LeaseUntil(before),
                  absl::ToUnixMicros(after.queue_until),
                  Bytes{checkpoints},
                  absl::ToUnixMicros(after.state_time)},
                 Error(absl::StatusCode::kAborted,
                       fmt::format("{}: has changed meanwhile", job.name()), "LEASE_LOST")));
  if (!before.lease_id.empty() && after.lease_id != before.lease_id) {
    RETURN_IF_ERROR(UnnameBlobs(db, now, after.tenant, LeaseUser(before.lease_id)));
  }
  return keeps_checkpoints ? absl::OkStatus()
                           : UnnameBlobs(db, now, after.tenant, CheckpointUser(job.name()));
}

JobPhase PhaseEnded(JobChange end, const JobRow& before, const JobRow& after) {
  const bool waited = before.job.state() == v1::JOB_STATE_QUEUED;
  return {.trace = before.trace,
          .state = before.job.state(),
          .end = end,
          .job = before.job.name(),
          .kind = before.job.kind(),
          .attempt = before.job.attempt() + (waited ? 1 : 0),
          .lease_id = before.lease_id,
          .since = before.state_time,
          .until = after.state_time};
}

absl::Status NameCheckpoints(SqlSession& db, absl::Time now, const JobRow& row) {
  const std::string user = CheckpointUser(row.job.name());
  RETURN_IF_ERROR(UnnameBlobs(db, now, row.tenant, user));
  return NameBlobs(db, row.tenant, user, BlobsNamedBy(row.checkpoints));
}

absl::Status AppendEvent(SqlSession& db, absl::Time now, JobRow& row, v1::Event event) {
  const uint64_t sequence = row.job.last_sequence() + 1;
  event.set_sequence(sequence);
  event.set_attempt(row.job.attempt());
  *event.mutable_time() = ToProto(now);
  const std::string bytes = event.SerializeAsString();
  const std::string picture = PictureInJob(event);
  RETURN_IF_ERROR(
      db.Send("INSERT INTO event (job, sequence, event, picture) VALUES (?, ?, ?, ?)",
              {row.number, static_cast<int64_t>(sequence), Bytes{bytes}, TextOrNull(picture)}));
  row.job.set_last_sequence(sequence);
  return absl::OkStatus();
}

}  // namespace vico::server
