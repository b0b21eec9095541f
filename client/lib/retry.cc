#include "client/lib/retry.h"

#include "common/status.h"

namespace vico::client {

bool IsWorthRetrying(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    // A gRPC server that shuts down cancels its calls.
    case absl::StatusCode::kCancelled:
      return true;
    case absl::StatusCode::kResourceExhausted:
      return RetryAfter(status) > absl::ZeroDuration();
    default:
      return false;
  }
}

}  // namespace vico::client
