// Which errors of the server are worth a retry, and the wait before it.
#pragma once

#include <cstdint>
#include <stop_token>

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "common/backoff.h"

namespace vico::worker {

/// Whether the same call may succeed later: the server is unavailable or busy.
bool IsTransient(const absl::Status& status);

/// A worker's waits between attempts; `jitter_seed` differs between workers.
Backoff WorkerBackoff(uint64_t jitter_seed, BackoffOptions options = {});

/// A wait that a stop request ends. An interface, so that tests do not wait.
class Pause {
 public:
  virtual ~Pause() = default;
  /// Returns false if `stop` was requested before the time was over.
  virtual bool For(absl::Duration duration, std::stop_token stop) = 0;
};

class SystemPause final : public Pause {
 public:
  bool For(absl::Duration duration, std::stop_token stop) override {
    return WaitFor(duration, stop);
  }
};

}  // namespace vico::worker
