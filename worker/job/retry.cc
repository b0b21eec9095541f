#include "worker/job/retry.h"

#include <random>

namespace vico::worker {

bool IsTransient(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kResourceExhausted:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kCancelled:
      return true;
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
