#include "client/lib/retry.h"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <random>
#include <utility>

#include <absl/time/time.h>

#include "common/status.h"

namespace vico::client {

RandomBits SystemRandomBits() {
  return [device = std::make_shared<std::random_device>()] {
    return (static_cast<std::uint64_t>((*device)()) << 32) | (*device)();
  };
}

Backoff::Backoff(const RetryOptions& options, RandomBits random)
    : options_(options), random_(std::move(random)) {}

std::chrono::milliseconds Backoff::Next() {
  constexpr int kMostDoublings = 20;  // far past any limit, far from overflow
  const auto bound = std::min(options_.longest_wait,
                              options_.first_wait * (1 << std::min(attempt_++, kMostDoublings)));
  const auto span = static_cast<std::uint64_t>(std::max<std::int64_t>(bound.count(), 0)) + 1;
  return std::chrono::milliseconds(static_cast<std::int64_t>(random_() % span));
}

bool IsWorthRetrying(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:  // by a server that shuts down: gRPC's word for it
      return true;
    case absl::StatusCode::kResourceExhausted:
      return RetryAfter(status) > absl::ZeroDuration();
    default:
      return false;
  }
}

bool WaitFor(std::chrono::milliseconds wait, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, wait, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace vico::client
