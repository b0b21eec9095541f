// What a running job needs besides the engine: its verdict, its blobs, its events.
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

/// Used on the job's thread. Keeps references to all it is given.
class JobContext {
 public:
  /// `stop`: the worker is asked to end, so the job is to be handed back.
  JobContext(ServerLink& link, Reporter& reporter, const Clock& clock, Pause& pause, LeaseKey lease,
             std::stop_token stop, Tracing tracing = {});

  const Clock& clock() const { return clock_; }
  const Tracing& tracing() const { return tracing_; }
  Reporter& reporter() { return reporter_; }

  /// What to do next; call it between steps.
  Verdict Check();

  void Say(v1::Event event) { reporter_.Add(std::move(event)); }
  void Warn(const std::string& reason, const std::string& message);

  /// The blob's bytes. Transient errors are retried for a minute; kAborted once the lease is lost,
  /// kCancelled when the verdict says stop.
  absl::StatusOr<std::string> Get(const v1::BlobRef& blob);

  /// For this job's checkpoints.
  CheckpointSaver NewCheckpointSaver() { return {link_, reporter_, clock_, lease_, {}, tracing_}; }

  /// Stores bytes, with the same retries; sent even when the verdict is to cancel or drain, but not
  /// retried then. kAborted, and nothing is sent, once the lease is lost.
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
};

/// Time per step and time left, from the moments steps end. Work between steps, as drawing a
/// sample, is left out when Skip is called after it.
class StepTimer {
 public:
  explicit StepTimer(const Clock& clock);

  /// A step ended; returns a progress event's times and counts.
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
