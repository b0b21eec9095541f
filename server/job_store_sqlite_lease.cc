// What workers do with jobs: lease, report, finish; and what becomes of leases that run out.
#include <utility>

#include <fmt/format.h>
#include <google/protobuf/util/time_util.h>
#include <nlohmann/json.hpp>

#include "common/failpoint.h"
#include "common/ids.h"
#include "common/sha256.h"
#include "common/status.h"
#include "server/job.h"
#include "server/job_store_sqlite.h"

namespace vico {
namespace {

using google::protobuf::util::TimeUtil;

absl::Status LeaseLost(std::string_view job) {
  return Error(absl::StatusCode::kAborted, fmt::format("{}: this lease is over", job),
               "LEASE_LOST");
}

// The job's row, if this lease holds it.
absl::StatusOr<JobRow> FindLeased(SqliteConnection& db, std::string_view job,
                                  std::string_view lease_id) {
  ASSIGN_OR_RETURN(JobRow row, FindJob(db, job));
  if (VICO_DEFECT("match_by_id_only") && row.job.state() == v1::JOB_STATE_RUNNING) return row;
  if (row.job.state() != v1::JOB_STATE_RUNNING || row.lease_id != lease_id) return LeaseLost(job);
  return row;
}

// A row and a query for SelectJob's columns that finds it, if it is there.
absl::Status FindFirst(SqliteConnection& db, std::string_view sql, SqlValues values, JobRow& row,
                       bool& found) {
  found = false;
  return db.Query(sql, values, [&](const SqlRow& columns) -> absl::Status {
    ASSIGN_OR_RETURN(row, FromRow(columns));
    found = true;
    return absl::OkStatus();
  });
}

Grant GrantOf(const JobRow& row) {
  return {row.tenant,      row.lease_id,    row.job, row.base_model_digest,
          row.checkpoints, row.lease_worker};
}

void SetNow(google::protobuf::Timestamp& time, const Clock& clock) {
  time = TimeUtil::MicrosecondsToTimestamp(absl::ToUnixMicros(clock.Now()));
}

void EndLease(JobRow& row) {
  row.lease_id.clear();
  row.lease_worker.clear();
  row.lease_nonce.clear();
  row.lease_until = absl::ZeroDuration();
}

// A retried attempt makes a picture again; it replaces the earlier one.
void AddPicture(v1::Job& job, const v1::Picture& picture) {
  for (v1::Picture& known : *job.mutable_pictures()) {
    if (known.index() == picture.index()) {
      known = picture;
      return;
    }
  }
  *job.add_pictures() = picture;
}

constexpr int kKeptCheckpoints = 2;

void AddCheckpoint(v1::TrainingCheckpoints& kept, const v1::Event::Checkpoint& newest) {
  v1::TrainingCheckpoints now;
  *now.add_newest_first() = newest;
  for (const v1::Event::Checkpoint& older : kept.newest_first()) {
    if (now.newest_first_size() < kKeptCheckpoints && older.step() != newest.step()) {
      *now.add_newest_first() = older;
    }
  }
  kept = std::move(now);
}

// What a job keeps of an event without its history being read.
void TakeIn(JobRow& row, v1::Event& event) {
  v1::Job& job = row.job;
  if (event.has_progress()) {
    job.set_step(event.progress().step());
    if (event.progress().total_steps() > 0) job.set_total_steps(event.progress().total_steps());
  } else if (event.has_picture()) {
    AddPicture(job, event.picture());
  } else if (event.has_checkpoint()) {
    AddCheckpoint(row.checkpoints, event.checkpoint());
    event.mutable_checkpoint()->clear_blob();
  }
}

absl::Status InsertAdapter(SqliteConnection& db, const JobRow& row, const v1::TrainResult& result) {
  const v1::TrainSpec& spec = row.job.spec().train();
  v1::Adapter adapter;
  adapter.set_name(row.job.adapter());
  adapter.set_base_model(spec.base_model());
  adapter.set_base_model_digest(row.base_model_digest);
  adapter.set_dialect(spec.dialect());
  adapter.set_placeholder(spec.placeholder());
  adapter.set_init_word(spec.init_word());
  *adapter.mutable_blob() = result.adapter();
  *adapter.mutable_reference() = result.reference();
  adapter.set_job(row.job.name());
  *adapter.mutable_summary() = result.summary();
  *adapter.mutable_create_time() = row.job.finish_time();
  const std::string bytes = adapter.SerializeAsString();
  return db
      .Execute("INSERT INTO adapter (name, tenant, message) VALUES (?, ?, ?)",
               {adapter.name(), row.tenant, Bytes{bytes}})
      .status();
}

}  // namespace

absl::StatusOr<std::vector<Grant>> SqliteJobStore::Lease(const LeaseQuery& query) {
  static const std::string kRepeated =
      SelectJob("WHERE state = 'running' AND lease_worker = ? AND lease_nonce = ? ORDER BY number");
  // From the tenant whose turn it is, its oldest job; an empty kind or base model means any.
  static const std::string kNext = fmt::format(
      "SELECT {} FROM tenant CROSS JOIN job ON job.tenant = tenant.name "
      "WHERE job.state = 'queued' AND job.not_before <= ?1 "
      "AND job.base_model IN (SELECT value FROM json_each(?2)) "
      "AND (?3 = '' OR (job.base_model = ?3 AND job.kind = 'generation')) "
      "ORDER BY tenant.turn, tenant.name, job.number LIMIT 1",
      kJobColumns);
  const std::string base_models = nlohmann::json(query.base_models).dump();
  std::vector<JobRow> rows;
  RETURN_IF_ERROR(database_.Write([&](SqliteConnection& db) -> absl::Status {
    RETURN_IF_ERROR(db.Query(kRepeated, {query.worker, query.nonce},
                             [&](const SqlRow& columns) -> absl::Status {
                               ASSIGN_OR_RETURN(JobRow row, FromRow(columns));
                               rows.push_back(std::move(row));
                               return absl::OkStatus();
                             }));
    if (!rows.empty()) {
      for (JobRow& row : rows) {
        const JobRow before = row;
        row.lease_until = clock_.Uptime() + options_.lease;
        RETURN_IF_ERROR(SaveJob(db, before, row));
      }
      return absl::OkStatus();
    }
    std::string same_base_model;
    for (int granted = 0; granted < query.max_jobs; ++granted) {
      JobRow row;
      bool found = false;
      RETURN_IF_ERROR(FindFirst(
          db, kNext, {absl::ToInt64Microseconds(clock_.Uptime()), base_models, same_base_model},
          row, found));
      if (!found) break;
      RETURN_IF_ERROR(Grant1(db, query, row));
      rows.push_back(row);
      if (row.job.kind() != v1::JOB_KIND_GENERATION) break;
      same_base_model = BaseModelOf(row.job.spec());
    }
    return absl::OkStatus();
  }));
  std::vector<Grant> grants;
  for (const JobRow& row : rows) {
    feed_.JobChanged(row.job.name());
    grants.push_back(GrantOf(row));
  }
  if (!grants.empty()) VICO_FAILPOINT("lease.after_commit");
  return grants;
}

absl::Status SqliteJobStore::Grant1(SqliteConnection& db, const LeaseQuery& query, JobRow& row) {
  const JobRow before = row;
  row.job.set_state(v1::JOB_STATE_RUNNING);
  row.job.set_attempt(row.job.attempt() + 1);
  row.job.set_step(0);
  if (!row.job.has_start_time()) SetNow(*row.job.mutable_start_time(), clock_);
  row.lease_id = "lease_" + NewId();
  row.lease_worker = query.worker;
  row.lease_nonce = query.nonce;
  row.lease_until = clock_.Uptime() + options_.lease;
  row.report_number = 0;
  RETURN_IF_ERROR(db.Query("SELECT digest FROM base_model WHERE name = ?",
                           {BaseModelOf(row.job.spec())}, [&](const SqlRow& columns) {
                             row.base_model_digest = columns.Text(0);
                             return absl::OkStatus();
                           }));
  v1::Event started;
  started.mutable_started()->set_worker(query.worker);
  started.mutable_started()->set_device(query.device);
  RETURN_IF_ERROR(AppendEvent(db, clock_.Now(), row, std::move(started)));
  RETURN_IF_ERROR(SaveJob(db, before, row));
  return db
      .Execute("UPDATE tenant SET turn = (SELECT max(turn) FROM tenant) + 1 WHERE name = ?",
               {row.tenant})
      .status();
}

absl::StatusOr<Grant> SqliteJobStore::FindLease(std::string_view job, std::string_view lease_id) {
  Grant grant;
  RETURN_IF_ERROR(database_.Read([&](SqliteConnection& db) -> absl::Status {
    ASSIGN_OR_RETURN(const JobRow row, FindLeased(db, job, lease_id));
    grant = GrantOf(row);
    return absl::OkStatus();
  }));
  return grant;
}

absl::StatusOr<v1::Directive> SqliteJobStore::Report(const v1::ReportRequest& report) {
  for (int i = 0; i < report.events_size(); ++i) {
    RETURN_IF_ERROR(CheckReported(report.events(i), i));
  }
  bool cancel = false;
  bool news = false;
  RETURN_IF_ERROR(database_.Write([&](SqliteConnection& db) -> absl::Status {
    ASSIGN_OR_RETURN(const JobRow before, FindLeased(db, report.job(), report.lease_id()));
    JobRow row = before;
    const uint64_t next = before.report_number + 1;
    if (report.report_number() == 0 || report.report_number() > next) {
      return FieldError("report_number",
                        fmt::format("must be 1..{}, got {}", next, report.report_number()));
    }
    row.lease_until = clock_.Uptime() + options_.lease;
    if (report.report_number() == next) {
      row.report_number = next;
      for (v1::Event event : report.events()) {
        TakeIn(row, event);
        RETURN_IF_ERROR(AppendEvent(db, clock_.Now(), row, std::move(event)));
        news = true;
      }
    }
    cancel = row.job.cancel_requested();
    return SaveJob(db, before, row);
  }));
  if (news) feed_.JobChanged(report.job());
  VICO_FAILPOINT("report.after_commit");
  return cancel ? v1::DIRECTIVE_CANCEL : v1::DIRECTIVE_CONTINUE;
}

absl::StatusOr<v1::Job> SqliteJobStore::Finish(const v1::FinishRequest& finish) {
  const std::string content = Sha256Hex(finish.SerializeAsString());
  v1::Job job;
  bool repeated = false;
  RETURN_IF_ERROR(database_.Write([&](SqliteConnection& db) -> absl::Status {
    RETURN_IF_ERROR(db.Query("SELECT content_sha256, answer FROM finish WHERE lease_id = ?",
                             {finish.lease_id()}, [&](const SqlRow& row) -> absl::Status {
                               if (row.Text(0) != content) return LeaseLost(finish.job());
                               repeated = true;
                               return job.ParseFromString(row.Text(1))
                                          ? absl::OkStatus()
                                          : absl::DataLossError(
                                                "database: a stored answer cannot be read");
                             }));
    if (repeated) return absl::OkStatus();
    ASSIGN_OR_RETURN(const JobRow before, VICO_DEFECT("finish_without_guard")
                                              ? FindJob(db, finish.job())
                                              : FindLeased(db, finish.job(), finish.lease_id()));
    JobRow row = before;
    RETURN_IF_ERROR(Apply(db, row, finish));
    RETURN_IF_ERROR(SaveJob(db, before, row));
    VICO_FAILPOINT("finish.before_commit");
    job = std::move(row.job);
    const std::string answer = job.SerializeAsString();
    return db
        .Execute("INSERT INTO finish (lease_id, content_sha256, answer, job) VALUES (?, ?, ?, ?)",
                 {finish.lease_id(), content, Bytes{answer}, job.name()})
        .status();
  }));
  if (!repeated) {
    feed_.JobChanged(job.name());
    if (job.state() == v1::JOB_STATE_QUEUED) feed_.QueueChanged();
  }
  VICO_FAILPOINT("finish.after_commit");
  return job;
}

absl::Status SqliteJobStore::Apply(SqliteConnection& db, JobRow& row,
                                   const v1::FinishRequest& finish) {
  switch (finish.outcome_case()) {
    case v1::FinishRequest::kTrained:
    case v1::FinishRequest::kGenerated:
      return Succeed(db, row, finish);
    case v1::FinishRequest::kFailure: {
      if (row.job.cancel_requested()) return CancelNow(db, row);
      absl::Status error = FromProto(finish.failure().status());
      if (error.ok()) return FieldError("failure.status.code", "must not be OK");
      if (!finish.failure().retryable()) return Fail(db, row, error);
      if (finish.failure().crashed()) return GiveBack(db, row);
      row.failures += 1;
      if (row.failures >= kFailureBudget) {
        return Fail(db, row,
                    Error(error.code(),
                          fmt::format("given up after {} tries; the last one said: {}",
                                      row.failures, std::string(error.message())),
                          "RETRIES_SPENT"));
      }
      row.not_before = clock_.Uptime() + RetryDelay(row.failures, options_.random01());
      return QueueAgain(db, row);
    }
    case v1::FinishRequest::kReleased:
      return row.job.cancel_requested() ? CancelNow(db, row) : QueueAgain(db, row);
    case v1::FinishRequest::kCancelled:
      if (row.job.cancel_requested()) return CancelNow(db, row);
      return Error(absl::StatusCode::kFailedPrecondition,
                   fmt::format("{}: nobody asked to cancel it", row.job.name()), "NOT_CANCELLED");
    case v1::FinishRequest::OUTCOME_NOT_SET:
      break;
  }
  return FieldError("outcome", "must be given");
}

absl::Status SqliteJobStore::Succeed(SqliteConnection& db, JobRow& row,
                                     const v1::FinishRequest& finish) {
  v1::Job& job = row.job;
  if (finish.has_trained() != (job.kind() == v1::JOB_KIND_TRAINING)) {
    return FieldError("outcome", "must be of the job's kind");
  }
  if (job.cancel_requested()) {
    return Error(absl::StatusCode::kAborted, fmt::format("{}: was cancelled", job.name()),
                 "CANCEL_REQUESTED");
  }
  job.set_state(v1::JOB_STATE_SUCCEEDED);
  SetNow(*job.mutable_finish_time(), clock_);
  EndLease(row);
  v1::Event event;
  if (finish.has_trained()) {
    // The id of its job: a job has one adapter at most, whatever happens.
    job.set_adapter(AdapterName(std::string_view(job.name()).substr(JobName("").size())));
    RETURN_IF_ERROR(InsertAdapter(db, row, finish.trained()));
    event.mutable_succeeded()->set_adapter(job.adapter());
  } else {
    *job.mutable_pictures() = finish.generated().pictures();
    event.mutable_succeeded()->set_picture_count(job.pictures_size());
  }
  return AppendEvent(db, clock_.Now(), row, std::move(event));
}

absl::Status SqliteJobStore::QueueAgain(SqliteConnection& db, JobRow& row) {
  row.job.set_state(v1::JOB_STATE_QUEUED);
  EndLease(row);
  ASSIGN_OR_RETURN(const int64_t ahead, JobsAhead(db, row.number));
  row.job.set_queue_position(static_cast<uint64_t>(ahead));
  v1::Event event;
  event.mutable_queued()->set_position(static_cast<uint64_t>(ahead));
  return AppendEvent(db, clock_.Now(), row, std::move(event));
}

absl::Status SqliteJobStore::Fail(SqliteConnection& db, JobRow& row, const absl::Status& error) {
  row.job.set_state(v1::JOB_STATE_FAILED);
  SetNow(*row.job.mutable_finish_time(), clock_);
  EndLease(row);
  *row.job.mutable_error() = ToProto(error);
  v1::Event event;
  *event.mutable_failed()->mutable_status() = row.job.error();
  return AppendEvent(db, clock_.Now(), row, std::move(event));
}

absl::Status SqliteJobStore::CancelNow(SqliteConnection& db, JobRow& row) {
  row.job.set_state(v1::JOB_STATE_CANCELLED);
  SetNow(*row.job.mutable_finish_time(), clock_);
  EndLease(row);
  v1::Event event;
  event.mutable_cancelled();
  return AppendEvent(db, clock_.Now(), row, std::move(event));
}

// The lease ran out, as the worker is gone or cannot reach us; or its engine died.
absl::Status SqliteJobStore::GiveBack(SqliteConnection& db, JobRow& row) {
  if (row.job.cancel_requested()) return CancelNow(db, row);
  row.crashes += 1;
  if (row.crashes < kCrashBudget) return QueueAgain(db, row);
  return Fail(db, row,
              Error(absl::StatusCode::kUnavailable,
                    fmt::format("its worker was lost {} times", row.crashes), "WORKER_LOST"));
}

absl::StatusOr<bool> SqliteJobStore::ReturnIfExpired(int64_t number) {
  static const std::string kSql =
      SelectJob("WHERE number = ? AND state = 'running' AND lease_until < ?");
  JobRow row;
  bool found = false;
  RETURN_IF_ERROR(database_.Write([&](SqliteConnection& db) -> absl::Status {
    const int64_t now = VICO_DEFECT("housekeeping_without_recheck")
                            ? INT64_MAX
                            : absl::ToInt64Microseconds(clock_.Uptime());
    RETURN_IF_ERROR(FindFirst(db, kSql, {number, now}, row, found));
    if (!found) return absl::OkStatus();
    const JobRow before = row;
    RETURN_IF_ERROR(GiveBack(db, row));
    return SaveJob(db, before, row);
  }));
  if (found) {
    feed_.JobChanged(row.job.name());
    feed_.QueueChanged();
  }
  return found;
}

absl::StatusOr<int> SqliteJobStore::ReturnExpired() {
  std::vector<int64_t> expired;
  RETURN_IF_ERROR(database_.Read([&](SqliteConnection& db) {
    return db.Query("SELECT number FROM job WHERE state = 'running' AND lease_until < ?",
                    {absl::ToInt64Microseconds(clock_.Uptime())}, [&](const SqlRow& row) {
                      expired.push_back(row.Int(0));
                      return absl::OkStatus();
                    });
  }));
  int returned = 0;
  for (const int64_t number : expired) {  // each looked at again in its own transaction
    VICO_FAILPOINT("housekeeping.between_rows");
    ASSIGN_OR_RETURN(const bool changed, ReturnIfExpired(number));
    returned += changed ? 1 : 0;
  }
  return returned;
}

absl::Status SqliteJobStore::ExtendLeases() {
  return database_.Write([&](SqliteConnection& db) {
    return db
        .Execute("UPDATE job SET lease_until = ? WHERE state = 'running'",
                 {absl::ToInt64Microseconds(clock_.Uptime() + options_.lease)})
        .status();
  });
}

}  // namespace vico
