// Keeps a training's checkpoints at the server: serialised, put and reported on a thread of its
// own, one at a time, while the training goes on.
#pragma once

#include <cstdint>
#include <mutex>
#include <thread>

#include <absl/time/time.h>

#include "common/clock.h"
#include "common/tracing/span.h"
#include "worker/engine/engine.h"
#include "worker/job/reporter.h"
#include "worker/job/server_link.h"

namespace vico::worker {

struct CheckpointTiming {
  int64_t steps = 50;                       ///< after so many steps,
  absl::Duration time = absl::Seconds(60);  ///< or so long, whatever comes first;
  double share = 0.05;                      ///< but saving takes at most this share of the time
};

/// One thread at a time. Keeps references to link, reporter and clock. The destructor waits for a
/// save under way.
class CheckpointSaver {
 public:
  CheckpointSaver(ServerLink& link, Reporter& reporter, const Clock& clock, LeaseKey lease,
                  const CheckpointTiming& timing, Tracing tracing = {});
  ~CheckpointSaver();
  CheckpointSaver(const CheckpointSaver&) = delete;
  CheckpointSaver& operator=(const CheckpointSaver&) = delete;

  /// The training begins after `step` steps, which need no saving.
  void StartAt(int64_t step);

  /// Whether a checkpoint is due after `step` steps.
  bool IsDue(int64_t step);

  /// `step` was saved or is being saved: nothing new to save.
  bool Has(int64_t step) const { return step <= last_step_; }

  /// Saves in the background. A save that fails costs no more than the work since the one before
  /// it: the next may succeed.
  void Save(TrainCheckpoint checkpoint);

  /// Until the save under way has been put and handed to the reporter, or has failed.
  void Wait();

 private:
  void Run(const TrainCheckpoint& checkpoint);

  ServerLink& link_;
  Reporter& reporter_;
  const Clock& clock_;
  const LeaseKey lease_;
  const CheckpointTiming timing_;
  const Tracing tracing_;
  int64_t last_step_ = 0;
  absl::Duration last_time_;

  std::mutex mutex_;
  bool busy_ = false;                           // guarded by mutex_
  absl::Duration took_ = absl::ZeroDuration();  // the last save; guarded by mutex_
  std::thread thread_;
};

}  // namespace vico::worker
