// Finish: the end of an attempt.
#include <utility>

#include <fmt/format.h>

#include "common/crypto/sha256.h"
#include "common/failpoint.h"
#include "common/ids.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "server/blobs/blob_rows.h"
#include "server/jobs/job.h"
#include "server/rows/adapter_rows.h"
#include "server/store/evaluation_of_training.h"
#include "server/store/sql_job_store.h"

namespace vico::server {
namespace {

void EndLease(JobRow& row) {
  row.lease_id.clear();
  row.lease_worker.clear();
  row.lease_nonce.clear();
  row.lease_until = absl::UnixEpoch();
}

v1::Adapter AdapterMade(const JobRow& row, const v1::TrainResult& result) {
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
  return adapter;
}

absl::Status InsertAdapter(SqlSession& db, const JobRow& row, const v1::Adapter& adapter) {
  RETURN_IF_ERROR(NameBlobs(db, row.tenant, adapter.name(), {adapter.blob(), adapter.reference()}));
  const std::string bytes = adapter.SerializeAsString();
  return db.Send("INSERT INTO adapter (name, tenant, message, concept) VALUES (?, ?, ?, ?)",
                 {adapter.name(), row.tenant, Bytes{bytes}, row.job.spec().train().concept_name()});
}

/// Of a succeeded training the newest checkpoint that is stored is kept, or none.
absl::Status KeepCheckpoints(SqlSession& db, absl::Time now, int count, JobRow& row) {
  if (row.checkpoints.newest_first_size() <= count) return absl::OkStatus();
  ASSIGN_OR_RETURN(row.checkpoints, StoredOf(db, row.tenant, std::move(row.checkpoints)));
  auto& kept = *row.checkpoints.mutable_newest_first();
  if (kept.size() > count) kept.DeleteSubrange(count, kept.size() - count);
  return NameCheckpoints(db, now, row);
}

v1::AdapterReport ReportOf(const JobRow& row, const v1::EvaluateResult& result) {
  v1::AdapterReport report = result.report();
  report.set_adapter(row.job.spec().evaluate().adapter());
  report.set_job(row.job.name());
  *report.mutable_create_time() = row.job.finish_time();
  return report;
}

/// The answer that this lease has got, if it has ended with the same content; kAborted, reason
/// LEASE_LOST, if it has with another.
absl::Status FindAnswer(SqlSession& db, const v1::FinishRequest& finish, std::string_view content,
                        v1::Job& answer, bool& found) {
  return db.Query("SELECT content_sha256, answer FROM finish WHERE lease_id = ?",
                  {finish.lease_id()}, [&](const SqlRow& row) -> absl::Status {
                    if (row.Text(0) != content) return LeaseLost(finish.job());
                    found = true;
                    return answer.ParseFromString(row.Text(1))
                               ? absl::OkStatus()
                               : absl::DataLossError("database: a stored answer cannot be read");
                  });
}

}  // namespace

absl::StatusOr<v1::Job> SqlJobStore::Finish(const v1::FinishRequest& finish) {
  VICO_FAILPOINT("finish.before_row");
  const std::string content = Sha256Hex(finish.SerializeAsString());
  v1::Job job;
  bool repeated = false;
  JobRow before;
  JobRow row;
  std::string evaluation;  // that was queued
  JobChange change = JobChange::kSubmit;
  RETURN_IF_ERROR(database_.Write([&](SqlSession& db) -> absl::Status {
    repeated = false;
    evaluation.clear();
    // The row first: two repeats of a call then see each other's answer.
    ASSIGN_OR_RETURN(before, HoldJob(db, finish.job()));
    // A lease that has an answer has ended, in the same transaction.
    if (const absl::Status live = CheckLease(before, finish.lease_id()); !live.ok()) {
      RETURN_IF_ERROR(FindAnswer(db, finish, content, job, repeated));
      return repeated ? absl::OkStatus() : live;
    }
    row = before;
    ASSIGN_OR_RETURN(change, Apply(db, row, finish, evaluation));
    RETURN_IF_ERROR(SaveJob(db, change, time_.Now(), before, row));
    VICO_FAILPOINT("finish.before_commit");
    job = row.job;
    const std::string answer = job.SerializeAsString();
    return db.Send("INSERT INTO finish (lease_id, content_sha256, answer, job) VALUES (?, ?, ?, ?)",
                   {finish.lease_id(), content, Bytes{answer}, job.name()});
  }));
  if (!repeated) {
    feed_.JobChanged(row.tenant, job.name());
    if (!evaluation.empty()) feed_.JobChanged(row.tenant, evaluation);
    if (!evaluation.empty() || job.state() == v1::JOB_STATE_QUEUED) {
      feed_.QueueChanged(BaseModelOf(job.spec()));
    }
    RecordPhase(PhaseEnded(change, before, row));
  }
  VICO_FAILPOINT("finish.after_commit");
  return job;
}

absl::StatusOr<JobChange> SqlJobStore::Apply(SqlSession& db, JobRow& row,
                                             const v1::FinishRequest& finish,
                                             std::string& evaluation) {
  const bool has_result = KindOfResult(finish) != v1::JOB_KIND_UNSPECIFIED;
  if (finish.outcome_case() == v1::FinishRequest::OUTCOME_NOT_SET) {
    return FieldError("outcome", "must be given");
  }
  if (has_result) {
    RETURN_IF_ERROR(Succeed(db, row, finish, evaluation));
    return JobChange::kSucceed;
  }
  if (row.job.cancel_requested()) {
    RETURN_IF_ERROR(CancelNow(db, row));
    return JobChange::kStop;
  }
  if (finish.has_failure()) return ApplyFailure(db, row, finish.failure());
  if (finish.has_released()) {
    RETURN_IF_ERROR(QueueAgain(db, row));
    return JobChange::kRelease;
  }
  return Error(absl::StatusCode::kFailedPrecondition,
               fmt::format("{}: no cancel was requested", row.job.name()), "NOT_CANCELLED");
}

absl::StatusOr<JobChange> SqlJobStore::ApplyFailure(SqlSession& db, JobRow& row,
                                                    const v1::FinishRequest::Failure& failure) {
  const absl::Status error = FromProto(failure.status());
  if (error.ok()) return FieldError("failure.status.code", "must not be OK");
  if (!failure.retryable()) {
    RETURN_IF_ERROR(Fail(db, row, error));
    return JobChange::kFail;
  }
  if (failure.crashed()) {
    ASSIGN_OR_RETURN(const bool again, CountCrash(db, row));
    return again ? JobChange::kCrash : JobChange::kCrashOut;
  }
  row.failures += 1;
  if (row.failures >= kFailureBudget) {
    RETURN_IF_ERROR(Fail(db, row,
                         Error(error.code(),
                               fmt::format("failed after {} tries; the last error: {}",
                                           row.failures, std::string(error.message())),
                               "RETRIES_SPENT")));
    return JobChange::kSpend;
  }
  row.not_before = time_.Now() + RetryDelay(row.failures, options_.random01());
  RETURN_IF_ERROR(QueueAgain(db, row));
  return JobChange::kRetry;
}

absl::Status SqlJobStore::Succeed(SqlSession& db, JobRow& row, const v1::FinishRequest& finish,
                                  std::string& evaluation) {
  v1::Job& job = row.job;
  if (KindOfResult(finish) != job.kind()) {
    return FieldError("outcome", "must be of the job's kind");
  }
  if (job.cancel_requested()) {
    return Error(absl::StatusCode::kAborted, fmt::format("{}: was cancelled", job.name()),
                 "CANCEL_REQUESTED");
  }
  job.set_state(v1::JOB_STATE_SUCCEEDED);
  row.state_time = StateTime();
  *job.mutable_finish_time() = ToProto(time_.Wall());
  EndLease(row);
  v1::Event event;
  if (finish.has_trained()) {
    // The adapter has the id of its job, so a job can never have two.
    job.set_adapter(AdapterName(std::string_view(job.name()).substr(JobName("").size())));
    const v1::Adapter adapter = AdapterMade(row, finish.trained());
    RETURN_IF_ERROR(InsertAdapter(db, row, adapter));
    const bool keeps = options_.retention.checkpoints > absl::ZeroDuration();
    RETURN_IF_ERROR(KeepCheckpoints(db, time_.Now(), keeps ? 1 : 0, row));
    if (job.spec().train().evaluate()) {
      ASSIGN_OR_RETURN(evaluation, QueueEvaluation(db, row, adapter));
    }
    event.mutable_succeeded()->set_adapter(job.adapter());
  } else if (finish.has_evaluated()) {
    RETURN_IF_ERROR(SaveReport(db, time_.Now(), row.tenant, ReportOf(row, finish.evaluated())));
    event.mutable_succeeded()->set_adapter(job.spec().evaluate().adapter());
  } else {
    RETURN_IF_ERROR(NameBlobs(db, row.tenant, job.name(), BlobsNamedBy(finish)));
    *job.mutable_pictures() = finish.generated().pictures();
    event.mutable_succeeded()->set_picture_count(job.pictures_size());
  }
  return AppendEvent(db, time_.Wall(), row, std::move(event));
}

/// The name of the evaluation; empty when there can be none, which the training's events then say.
absl::StatusOr<std::string> SqlJobStore::QueueEvaluation(SqlSession& db, JobRow& training,
                                                         const v1::Adapter& adapter) {
  const NewJobTimes times{time_.Now() + options_.queue_limit, time_.Now() + options_.total_limit};
  absl::StatusOr<JobRow> row = EvaluationOf(db, training, adapter, times);
  if (absl::IsFailedPrecondition(row.status()) || absl::IsInvalidArgument(row.status())) {
    v1::Event event;
    event.mutable_warning()->set_reason("NOT_EVALUATED");
    event.mutable_warning()->set_message(
        fmt::format("no evaluation was queued: {}", std::string(row.status().message())));
    RETURN_IF_ERROR(AppendEvent(db, time_.Wall(), training, std::move(event)));
    return "";
  }
  RETURN_IF_ERROR(row.status());
  RETURN_IF_ERROR(InsertJob(db, time_.Wall(), {}, *row));
  RETURN_IF_ERROR(SaveDisplay(db, *row));
  return row->job.name();
}

absl::Status SqlJobStore::QueueAgain(SqlSession& db, JobRow& row) {
  row.job.set_state(v1::JOB_STATE_QUEUED);
  row.queue_until = time_.Now() + options_.queue_limit;
  row.state_time = StateTime();
  EndLease(row);
  ASSIGN_OR_RETURN(const int64_t ahead, JobsAhead(db, row.number));
  row.job.set_queue_position(static_cast<uint64_t>(ahead));
  v1::Event event;
  event.mutable_queued()->set_position(static_cast<uint64_t>(ahead));
  event.mutable_queued()->set_traceparent(Traceparent(row.trace));
  return AppendEvent(db, time_.Wall(), row, std::move(event));
}

absl::Status SqlJobStore::Fail(SqlSession& db, JobRow& row, const absl::Status& error) {
  row.job.set_state(v1::JOB_STATE_FAILED);
  row.state_time = StateTime();
  *row.job.mutable_finish_time() = ToProto(time_.Wall());
  EndLease(row);
  *row.job.mutable_error() = ToProto(error);
  v1::Event event;
  *event.mutable_failed()->mutable_status() = row.job.error();
  return AppendEvent(db, time_.Wall(), row, std::move(event));
}

absl::Status SqlJobStore::CancelNow(SqlSession& db, JobRow& row) {
  row.job.set_state(v1::JOB_STATE_CANCELLED);
  row.state_time = StateTime();
  *row.job.mutable_finish_time() = ToProto(time_.Wall());
  EndLease(row);
  v1::Event event;
  event.mutable_cancelled();
  return AppendEvent(db, time_.Wall(), row, std::move(event));
}

}  // namespace vico::server
