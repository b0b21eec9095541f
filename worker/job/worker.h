// The worker's loop: register, lease, run, finish.
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
  std::string name;  ///< unique among the living workers
  std::string build_version;
  absl::Duration lease_wait = absl::Seconds(20);  ///< of one long poll
  absl::Duration hang = absl::Seconds(120);       ///< a job without a sign of life is given up
  std::function<void()> on_hang = {};             ///< called then; the engine is stuck
  std::function<void()> on_registered = {};       ///< called each time the server knows this worker
  uint64_t jitter_seed = 0;
  SpanSink* spans = nullptr;  ///< of jobs; null: nobody's
};

/// Keeps references to all it is given.
class Worker {
 public:
  Worker(ServerLink& link, Engine& engine, const Clock& clock, Pause& pause, const Log& log,
         WorkerOptions options);

  /// Serves jobs until `stop` is requested; the job at hand is handed back then. While the server
  /// is away it waits. An error only when the server refuses this worker for good.
  absl::Status Run(std::stop_token stop);

 private:
  absl::Status Register();
  v1::WorkerLoad LoadNow() const;  // any thread
  enum class Served { kEnded, kReleased };
  Served Serve(const v1::LeasedJob& job, absl::Duration ttl, const std::stop_token& stop);
  void NoteServer(const absl::Status& status);

  ServerLink& link_;
  Engine& engine_;
  const Clock& clock_;
  Pause& pause_;
  const Log log_;
  const WorkerOptions options_;
  const std::vector<BaseModelOffer> offers_;
  absl::Duration default_ttl_ = absl::Seconds(30);  // as of the last registration
  uint64_t jobs_served_ = 0;
  bool server_away_ = false;  // as last logged
};

}  // namespace vico::worker
