// When a call is worth another try, and how long to wait before it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>

#include <absl/status/status.h>

namespace vico::client {

/// 64 fresh random bits a call.
using RandomBits = std::function<std::uint64_t()>;

/// From the operating system.
RandomBits SystemRandomBits();

struct RetryOptions {
  int attempts = 5;                                    ///< of one call, the first included
  std::chrono::milliseconds attempt_deadline{10'000};  ///< of one attempt at a short call
  std::chrono::milliseconds first_wait{200};           ///< bound of the first wait; it doubles
  std::chrono::milliseconds longest_wait{5'000};       ///< bound of every wait
};

/// Waits drawn evenly from 0 to a bound that doubles up to a limit ("full jitter"), so that many
/// clients that lost the same server do not come back together.
class Backoff {
 public:
  Backoff(const RetryOptions& options, RandomBits random);

  std::chrono::milliseconds Next();
  /// After a success: the next wait is a first one again.
  void Reset() { attempt_ = 0; }

 private:
  RetryOptions options_;
  RandomBits random_;
  int attempt_ = 0;
};

/// Whether the same call may succeed later: no server, no answer in time, a server that says when
/// to come back.
bool IsWorthRetrying(const absl::Status& status);

/// Returns early, and false, when `stop` is requested.
bool WaitFor(std::chrono::milliseconds wait, const std::stop_token& stop);

}  // namespace vico::client
