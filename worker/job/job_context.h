// What a running job needs besides the engine: the server's verdict, blobs and events.
#pragma once

#include <stop_token>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/clock.h"
#include "common/tracing/span.h"
#include "vico/v1/job.pb.h"
#include "worker/job/checkpoint_saver.h"
#include "worker/job/report_plan.h"
#include "worker/job/reporter.h"
#include "worker/job/retry.h"
#include "worker/job/server_link.h"

namespace vico::worker {

/// For the job's thread. Keeps references to its arguments.
class JobContext {
 public:
  /// `stop`: requested when the worker shuts down; the job is released then. `build_version`: of
  /// the program, for the metadata of pictures.
  JobContext(ServerLink& link, Reporter& reporter, const Clock& clock, Pause& pause, LeaseKey lease,
             std::stop_token stop, Tracing tracing = {}, std::string build_version = {});

  const Clock& clock() const { return clock_; }
  const Tracing& tracing() const { return tracing_; }
  const std::string& build_version() const { return build_version_; }
  Reporter& reporter() { return reporter_; }

  /// Returns what to do next. Call it between steps.
  Verdict Check();

  void Emit(v1::Event event) { reporter_.Add(std::move(event)); }
  /// Waits until the server has all events, or the lease is lost.
  void Flush() { reporter_.Flush(); }
  void Warn(const std::string& reason, const std::string& message);

  /// Downloads a blob. Retries transient errors for a minute. kAborted once the lease is lost,
  /// kCancelled when the verdict is to cancel or drain.
  absl::StatusOr<std::string> Get(const v1::BlobRef& blob);

  /// Makes the saver of this job's checkpoints.
  CheckpointSaver NewCheckpointSaver() { return {link_, reporter_, clock_, lease_, {}, tracing_}; }

  /// Uploads a blob, with the same retries. Also uploads when the verdict is to cancel or drain,
  /// but without retries. kAborted once the lease is lost; nothing is sent then.
  absl::StatusOr<v1::BlobRef> Put(std::string_view bytes, std::string_view media_type);

 private:
  absl::StatusOr<std::string> TryToGet(const v1::BlobRef& blob, const LeaseKey& lease);
  absl::Status TryToPut(const v1::BlobRef& blob, std::string_view bytes, const LeaseKey& lease);

  ServerLink& link_;
  Reporter& reporter_;
  const Clock& clock_;
  Pause& pause_;
  const LeaseKey lease_;
  const std::stop_token stop_;
  const Tracing tracing_;
  const std::string build_version_;
};

/// Measures the time per step and estimates the time left. Work between steps, such as drawing a
/// sample, is left out if Skip is called after it.
class StepTimer {
 public:
  explicit StepTimer(const Clock& clock);

  /// Records the end of a step. Returns the counts and times of a progress event.
  v1::Event::Progress Step(int64_t step, int64_t total_steps);
  void Skip();

  double mean_seconds() const;  ///< over all steps; 0 before the first

 private:
  const Clock& clock_;
  absl::Duration mark_;
  absl::Duration total_ = absl::ZeroDuration();
  int64_t steps_ = 0;
  double recent_seconds_ = 0;  // exponential mean
};

}  // namespace vico::worker
