#include "worker/job/retry.h"

#include <random>

#include "common/status.h"

namespace vico::worker {

bool IsTransient(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kCancelled:
      return true;
    case absl::StatusCode::kResourceExhausted:
      // The tenant has to delete something first.
      return Reason(status) != "QUOTA_EXCEEDED";
    default:
      return false;
  }
}

Backoff WorkerBackoff(uint64_t jitter_seed, BackoffOptions options) {
  // At least half of the bound: a worker retries without end and must not hammer the server.
  options.least_share = 0.5;
  return Backoff(options, std::mt19937_64(jitter_seed));
}

}  // namespace vico::worker
