#include "worker/lease/finish_job.h"

#include <stop_token>

#include "common/failpoint.h"
#include "common/status.h"

namespace vico::worker {
namespace {

absl::Status FinishWithRetries(const v1::FinishRequest& outcome, const FinishTools& tools) {
  Backoff backoff = WorkerBackoff(tools.jitter_seed);
  const absl::Duration deadline = tools.clock.Uptime() + tools.patience;
  for (;;) {
    absl::Status status = tools.link.Finish(outcome).status();
    if (status.ok()) status = VICO_FAILPOINT_STATUS("finish.reply_lost");
    if (status.ok() || !IsTransient(status) || tools.clock.Uptime() >= deadline) return status;
    tools.pause.For(backoff.Next(), std::stop_token());
  }
}

}  // namespace

absl::Status FinishJob(v1::FinishRequest outcome, const FinishTools& tools) {
  VICO_FAILPOINT("result.before_finish");
  absl::Status status = FinishWithRetries(outcome, tools);
  const bool had_result =
      outcome.has_trained() || outcome.has_generated() || outcome.has_evaluated();
  if (status.ok() || IsTransient(status) || absl::IsNotFound(status) || !had_result) return status;

  if (absl::IsAborted(status)) {
    outcome.mutable_cancelled();
    return FinishWithRetries(outcome, tools);
  }
  auto& failure = *outcome.mutable_failure();
  *failure.mutable_status() = ToProto(
      Error(absl::StatusCode::kInternal, "the server refused the job's result", "RESULT_REFUSED"));
  failure.set_retryable(true);
  if (absl::Status failed = FinishWithRetries(outcome, tools); !failed.ok()) return failed;
  return status;
}

}  // namespace vico::worker
