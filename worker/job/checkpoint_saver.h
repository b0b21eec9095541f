// Stores a training's checkpoints at the server: a thread serialises, uploads and reports one at a
// time while the training continues.
#pragma once

#include <cstdint>
#include <thread>
#include <vector>

#include <absl/time/time.h>

#include "common/clock.h"
#include "common/mutex.h"
#include "common/tracing/span.h"
#include "worker/engine/engine.h"
#include "worker/job/reporter.h"
#include "worker/job/server_link.h"

namespace vico::worker {

/// A checkpoint is due after `steps` steps or `time`, whichever comes first, but not so soon that
/// saving takes more than `share` of the time.
struct CheckpointTiming {
  int64_t steps = 50;
  absl::Duration time = absl::Seconds(60);
  double share = 0.05;  ///< 0..1
};

/// One thread at a time. Keeps references to link, reporter and clock. The destructor waits for a
/// save that is in progress.
class CheckpointSaver {
 public:
  CheckpointSaver(ServerLink& link, Reporter& reporter, const Clock& clock, LeaseKey lease,
                  const CheckpointTiming& timing, Tracing tracing = {});
  ~CheckpointSaver();
  CheckpointSaver(const CheckpointSaver&) = delete;
  CheckpointSaver& operator=(const CheckpointSaver&) = delete;

  /// The training starts after `step` steps, which are stored already.
  void StartAt(int64_t step);

  /// Whether a checkpoint is due after `step` steps.
  bool IsDue(int64_t step);

  /// Whether `step` was saved or is being saved.
  bool Has(int64_t step) const { return step <= last_step_; }

  /// Saves in the background, after a save that is in progress. A failure is not an error of the
  /// training: only the steps since the previous checkpoint are at risk, and the next save may
  /// succeed.
  void Save(TrainCheckpoint checkpoint);

  /// Waits until the save in progress was uploaded and queued for a report, or has failed.
  void Wait();

  /// The newest two that were uploaded, newest first.
  std::vector<v1::Event::Checkpoint> stored() const;

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

  mutable Mutex mutex_;
  std::vector<v1::Event::Checkpoint> stored_ ABSL_GUARDED_BY(mutex_);  // newest first
  bool busy_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Duration last_save_ ABSL_GUARDED_BY(mutex_) = absl::ZeroDuration();  // how long it took
  std::thread thread_;
};

}  // namespace vico::worker
