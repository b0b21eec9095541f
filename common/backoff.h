// Exponential back-off with jitter, and a wait that a stop request ends.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>

#include <absl/time/time.h>

namespace vico {

/// Returns 64 fresh random bits: RandomBits() of common/crypto/random_bits.h, or a std::mt19937_64.
using RandomSource = std::function<uint64_t()>;

struct BackoffOptions {
  absl::Duration first = absl::Milliseconds(200);  ///< bound of the first wait; it doubles
  absl::Duration longest = absl::Seconds(5);       ///< bound of every wait
  double least_share = 0;  ///< of the bound, 0..1: no wait is shorter than that
};

/// Computes the waits between the attempts of one call. Each is drawn evenly between
/// `least_share` of a bound and the bound itself, so that processes that lost the same server do
/// not return to it at the same moment.
class Backoff {
 public:
  Backoff(const BackoffOptions& options, RandomSource random);

  absl::Duration Next();
  void Reset();  ///< after a success: the next wait is the first again

 private:
  BackoffOptions options_;
  RandomSource random_;
  absl::Duration bound_;
};

/// Blocks for `wait`. Returns false, and early, if `stop` is requested.
bool WaitFor(absl::Duration wait, const std::stop_token& stop);

}  // namespace vico
