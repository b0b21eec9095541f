// Which calls the client retries, and how often.
#pragma once

#include <chrono>

#include <absl/status/status.h>

#include "common/backoff.h"

namespace vico::client {

struct RetryOptions {
  int attempts = 5;                                    ///< of one call, the first included
  std::chrono::milliseconds attempt_deadline{10'000};  ///< of one attempt of a short call
  BackoffOptions backoff;                              ///< between attempts
};

/// Whether the same call may succeed later: there was no server or no answer in time, or the server
/// said when to retry.
bool IsWorthRetrying(const absl::Status& status);

}  // namespace vico::client
