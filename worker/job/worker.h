// The worker's loop: register, lease a job, run it, finish it.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/tracing/span.h"
#include "vico/v1/worker.pb.h"
#include "worker/engine/engine.h"
#include "worker/job/report_plan.h"
#include "worker/job/retry.h"
#include "worker/job/server_link.h"

namespace vico::worker {

struct WorkerOptions {
  std::string name;                               ///< unique among the server's workers
  std::string build_version;                      ///< also in the metadata of pictures
  absl::Duration lease_wait = absl::Seconds(20);  ///< timeout of a long poll
  absl::Duration hang = absl::Seconds(120);       ///< time without a step after which a job is lost
  std::function<void()> on_hang = {};             ///< called when a job hangs
  std::function<void()> on_registered = {};       ///< called after every registration
  uint64_t jitter_seed = 0;
  SpanSink* spans = nullptr;  ///< receives the spans of jobs; may be null
};

/// Keeps references to its arguments.
class Worker {
 public:
  Worker(ServerLink& link, Engine& engine, const Clock& clock, Pause& pause, const Log& log,
         WorkerOptions options);

  /// Serves jobs until `stop` is requested, and then releases the running job. Waits while the
  /// server is unavailable. Returns an error only if the server refuses this worker permanently or
  /// the engine cannot be started.
  absl::Status Run(const std::stop_token& stop);

 private:
  absl::Status Register();
  v1::WorkerLoad CurrentLoad() const;  // any thread
  enum class Served { kEnded, kReleased };
  Served Serve(const v1::LeasedJob& job, absl::Duration ttl, const std::stop_token& stop);
  void LogServerState(const absl::Status& status);

  ServerLink& link_;
  Engine& engine_;
  const Clock& clock_;
  Pause& pause_;
  const Log log_;
  const WorkerOptions options_;
  const std::vector<BaseModelOffer> offers_;
  uint64_t jobs_served_ = 0;
  bool server_unavailable_ = false;  // as last logged
};

}  // namespace vico::worker
