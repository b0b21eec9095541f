// Serves one leased job: runs it, reports about it and finishes it.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>

#include <absl/time/time.h>

#include "common/clock.h"
#include "common/log.h"
#include "vico/v1/worker.pb.h"
#include "worker/engine/engine.h"
#include "worker/job/engine_use.h"
#include "worker/job/retry.h"
#include "worker/job/server_link.h"
#include "worker/lease/worker_options.h"

namespace vico::worker {

/// What jobs of a worker share. The references must outlive every job.
struct ServeTools {
  ServerLink& link;
  Engine& engine;
  EngineUse& use;
  const Clock& clock;
  Pause& pause;
  const Log& log;
  const WorkerOptions& options;
  std::function<v1::WorkerLoad()> load;  ///< any thread
};

enum class Served {
  kEnded,
  kReleased,  ///< given back to the queue
};

/// Any thread; returns when the job has ended. `stop`: requested when the job is to be released.
Served ServeJob(const v1::LeasedJob& job, absl::Duration ttl, uint64_t jitter_seed,
                const std::stop_token& stop, const ServeTools& tools);

/// Gives back a job that was not started.
void GiveBack(const v1::LeasedJob& job, absl::Duration ttl, uint64_t jitter_seed,
              const ServeTools& tools);

}  // namespace vico::worker
