// Which answers are worth another try, and how long to wait before it.
#pragma once

#include <cstdint>
#include <random>
#include <stop_token>

#include <absl/status/status.h>
#include <absl/time/time.h>

namespace vico::worker {

/// The peer is away or busy: the same call may succeed later.
bool IsTransient(const absl::Status& status);

/// Waiting that a stop request ends. Handed in, so that tests need not wait.
class Pause {
 public:
  virtual ~Pause() = default;
  /// False when `stop` was requested before the time was over.
  virtual bool For(absl::Duration duration, std::stop_token stop) = 0;
};

/// The real one.
class SystemPause final : public Pause {
 public:
  bool For(absl::Duration duration, std::stop_token stop) override;
};

/// Doubling waits, each between half and all of its nominal length, so that many workers spread
/// out.
class BackOff {
 public:
  struct Options {
    absl::Duration first = absl::Milliseconds(200);
    absl::Duration longest = absl::Seconds(5);
  };
  BackOff(const Options& options, uint64_t jitter_seed);

  absl::Duration Next();
  void Reset();  ///< the next wait is the first again

 private:
  const Options options_;
  std::mt19937_64 random_;
  absl::Duration nominal_;
};

}  // namespace vico::worker
