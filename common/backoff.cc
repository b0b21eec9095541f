#include "common/backoff.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace vico {

Backoff::Backoff(const BackoffOptions& options, RandomSource random)
    : options_(options),
      random_(std::move(random)),
      bound_(std::min(options.first, options.longest)) {}

absl::Duration Backoff::Next() {
  const absl::Duration bound = bound_;
  bound_ = std::min(bound * 2, options_.longest);
  // The upper 53 bits fill a double's mantissa. Both ends of 0..1 are possible.
  const double draw01 =
      static_cast<double>(random_() >> 11) / static_cast<double>((1ULL << 53) - 1);
  return bound * (options_.least_share + (1 - options_.least_share) * draw01);
}

void Backoff::Reset() { bound_ = std::min(options_.first, options_.longest); }

bool WaitFor(absl::Duration wait, const std::stop_token& stop) {
  // Of the standard library: only std::condition_variable_any takes a stop token.
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, absl::ToChronoNanoseconds(wait), [] { return false; });
  return !stop.stop_requested();
}

}  // namespace vico
