// Reports the end of a job to the server, with retries.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "common/clock.h"
#include "vico/v1/worker.pb.h"
#include "worker/job/retry.h"
#include "worker/job/server_link.h"

namespace vico::worker {

struct FinishTools {
  ServerLink& link;
  const Clock& clock;
  Pause& pause;
  uint64_t jitter_seed = 0;
  absl::Duration patience = absl::Minutes(1);  ///< how long to retry transient errors
};

/// Retries transient errors with the same request; Finish is idempotent. If the job was cancelled
/// before its result arrived, finishes it as cancelled. If the server refuses the result for
/// another reason, finishes it as failed, so that the job does not wait until its lease expires.
/// kAborted: the lease is lost and nothing was written.
absl::Status FinishJob(v1::FinishRequest outcome, const FinishTools& tools);

}  // namespace vico::worker
