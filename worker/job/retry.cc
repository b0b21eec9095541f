#include "worker/job/retry.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

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

bool SystemPause::For(absl::Duration duration, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, absl::ToChronoNanoseconds(duration), [] { return false; });
  return !stop.stop_requested();
}

BackOff::BackOff(const Options& options, uint64_t jitter_seed)
    : options_(options), random_(jitter_seed), nominal_(options.first) {}

absl::Duration BackOff::Next() {
  const absl::Duration nominal = nominal_;
  nominal_ = std::min(nominal_ * 2, options_.longest);
  return nominal * std::uniform_real_distribution<double>(0.5, 1.0)(random_);
}

void BackOff::Reset() { nominal_ = options_.first; }

}  // namespace vico::worker
