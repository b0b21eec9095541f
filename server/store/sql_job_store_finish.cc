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
#include "server/store/sql_job_store.h"

namespace vico::server {
namespace {

void EndLease(JobRow& row) {
  row.lease_id.clear();
  row.lease_worker.clear();
  row.lease_nonce.clear();
  row.lease_until = absl::UnixEpoch();
}

absl::Status InsertAdapter(SqlSession& db, const JobRow& row, const v1::TrainResult& result) {
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
  RETURN_IF_ERROR(
      NameBlobs(db, row.tenant, adapter.name(), {result.adapter(), result.reference()}));
  const std::string bytes = adapter.SerializeAsString();
  return db.Send("INSERT INTO adapter (name, tenant, message) VALUES (?, ?, ?)",
                 {adapter.name(), row.tenant, Bytes{bytes}});
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
  JobChange change = JobChange::kSubmit;
  RETURN_IF_ERROR(database_.Write([&](SqlSession& db) -> absl::Status {
    repeated = false;
    // The row first: two repeats of a call then see each other's answer.
    ASSIGN_OR_RETURN(before, HoldJob(db, finish.job()));
    // A lease that has an answer has ended, in the same transaction.
    if (const absl::Status live = CheckLease(before, finish.lease_id()); !live.ok()) {
      RETURN_IF_ERROR(FindAnswer(db, finish, content, job, repeated));
      return repeated ? absl::OkStatus() : live;
    }
    row = before;
    ASSIGN_OR_RETURN(change, Apply(db, row, finish));
    RETURN_IF_ERROR(SaveJob(db, change, time_.Now(), before, row));
    VICO_FAILPOINT("finish.before_commit");
    job = row.job;
    const std::string answer = job.SerializeAsString();
    return db.Send("INSERT INTO finish (lease_id, content_sha256, answer, job) VALUES (?, ?, ?, ?)",
                   {finish.lease_id(), content, Bytes{answer}, job.name()});
  }));
  if (!repeated) {
    feed_.JobChanged(row.tenant, job.name());
    if (job.state() == v1::JOB_STATE_QUEUED) feed_.QueueChanged(BaseModelOf(job.spec()));
    RecordPhase(PhaseEnded(change, before, row));
  }
  VICO_FAILPOINT("finish.after_commit");
  return job;
}

absl::StatusOr<JobChange> SqlJobStore::Apply(SqlSession& db, JobRow& row,
                                             const v1::FinishRequest& finish) {
  const bool has_result = finish.has_trained() || finish.has_generated();
  if (finish.outcome_case() == v1::FinishRequest::OUTCOME_NOT_SET) {
    return FieldError("outcome", "must be given");
  }
  if (has_result) {
    RETURN_IF_ERROR(Succeed(db, row, finish));
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

absl::Status SqlJobStore::Succeed(SqlSession& db, JobRow& row, const v1::FinishRequest& finish) {
  v1::Job& job = row.job;
  if (finish.has_trained() != (job.kind() == v1::JOB_KIND_TRAINING)) {
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
    RETURN_IF_ERROR(InsertAdapter(db, row, finish.trained()));
    event.mutable_succeeded()->set_adapter(job.adapter());
  } else {
    RETURN_IF_ERROR(NameBlobs(db, row.tenant, job.name(), BlobsNamedBy(finish)));
    *job.mutable_pictures() = finish.generated().pictures();
    event.mutable_succeeded()->set_picture_count(job.pictures_size());
  }
  return AppendEvent(db, time_.Wall(), row, std::move(event));
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
