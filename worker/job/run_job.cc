#include "worker/job/run_job.h"

#include <string>
#include <utility>

#include <fmt/format.h>

#include "common/failpoint.h"
#include "common/status.h"
#include "worker/engine/engine.h"
#include "worker/job/retry.h"

namespace vico::worker {
namespace {

bool IsOutOfMemory(const absl::Status& status) { return Reason(status) == "OUT_OF_MEMORY"; }

bool IsRetryable(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
      return true;
    case absl::StatusCode::kResourceExhausted:
      return !IsOutOfMemory(status) && IsTransient(status);
    default:
      return false;
  }
}

/// The error as the job's owner may read it: internal messages stay in this worker's log.
absl::Status ForOwner(const absl::Status& status, const v1::LeasedJob& job) {
  std::string reason = Reason(status);
  switch (status.code()) {
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
      return Error(absl::StatusCode::kInternal,
                   fmt::format("the worker failed; its log has the error of {}, attempt {}",
                               job.job(), job.attempt()),
                   reason.empty() ? "WORKER_ERROR" : reason);
    case absl::StatusCode::kResourceExhausted:
      return reason.empty() ? WithReason(status, "OUT_OF_RESOURCES") : status;
    case absl::StatusCode::kInvalidArgument:
      return reason.empty() ? WithReason(status, "BAD_INPUT") : status;
    case absl::StatusCode::kDataLoss:
      return reason.empty() ? WithReason(status, "DATA_LOSS") : status;
    default:
      return reason.empty() ? WithReason(status, "JOB_FAILED") : status;
  }
}

absl::Status RunKind(const v1::LeasedJob& job, Engine& engine, JobContext& context,
                     v1::FinishRequest& outcome) {
  VICO_FAILPOINT("after_lease");
  switch (job.spec().kind_case()) {
    case v1::JobSpec::kTrain: {
      ASSIGN_OR_RETURN(*outcome.mutable_trained(), RunTraining(job, engine, context));
      return absl::OkStatus();
    }
    case v1::JobSpec::kGenerate: {
      ASSIGN_OR_RETURN(*outcome.mutable_generated(), RunGeneration(job, engine, context));
      return absl::OkStatus();
    }
    case v1::JobSpec::kEvaluate: {
      ASSIGN_OR_RETURN(*outcome.mutable_evaluated(), RunEvaluation(job, engine, context));
      return absl::OkStatus();
    }
    case v1::JobSpec::KIND_NOT_SET:
      break;
  }
  return absl::InvalidArgumentError("spec: must be a training, a generation or an evaluation");
}

}  // namespace

bool IsLostEngine(const absl::Status& status) {
  const std::string reason = Reason(status);
  return reason == kEngineDied || reason == kEngineHung;
}

std::optional<v1::FinishRequest> RunJob(const v1::LeasedJob& job, Engine& engine,
                                        JobContext& context, const Log& log) {
  v1::FinishRequest outcome;
  absl::Status status = RunKind(job, engine, context, outcome);
  if (IsOutOfMemory(status) && GoesOn(context.Check())) {
    log.Warning("out of memory; trying once more in a new engine");
    status = engine.Restart();
    if (status.ok()) status = RunKind(job, engine, context, outcome);
  }
  const Verdict verdict = context.Check();
  if (verdict == Verdict::kLost || absl::IsAborted(status)) return std::nullopt;

  outcome.set_job(job.job());
  outcome.set_lease_id(job.lease_id());
  if (verdict == Verdict::kCancel) {
    outcome.mutable_cancelled();  // even with a result: the server refuses it after a cancel
  } else if (status.ok()) {
    log.Info("job done");
  } else if (verdict == Verdict::kDrain || absl::IsCancelled(status)) {
    outcome.mutable_released();
  } else {
    log.Error("job failed", {{"error", status.ToString()}});
    auto& failure = *outcome.mutable_failure();
    *failure.mutable_status() = ToProto(ForOwner(status, job));
    failure.set_retryable(IsRetryable(status));
    failure.set_crashed(IsLostEngine(status));
  }
  return outcome;
}

}  // namespace vico::worker
