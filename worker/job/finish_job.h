// Says how a job ended, until the server has heard it.
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
  absl::Duration patience = absl::Minutes(1);  ///< how long to try while the server is away
};

/// Transient errors are retried with the same request, which the server answers the same way twice.
/// A result that came too late for a cancel becomes Finish(cancelled); one that the server will not
/// take for another reason becomes a failure, so that the job need not wait for its lease to run
/// out. kAborted: the lease is lost and nothing was written.
absl::Status FinishJob(v1::FinishRequest outcome, const FinishTools& tools);

}  // namespace vico::worker
