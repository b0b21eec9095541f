// The worker's loop: registers, leases jobs while there is room for more, and serves them.
#pragma once

#include <cstdint>
#include <stop_token>
#include <vector>

#include <absl/status/status.h>

#include "common/backoff.h"
#include "common/clock.h"
#include "common/log.h"
#include "vico/v1/worker.pb.h"
#include "worker/engine/engine.h"
#include "worker/job/engine_use.h"
#include "worker/job/retry.h"
#include "worker/job/server_link.h"
#include "worker/lease/leased_jobs.h"
#include "worker/lease/worker_options.h"

namespace vico::worker {

/// Keeps references to its arguments.
class Worker {
 public:
  Worker(ServerLink& link, Engine& engine, const Clock& clock, Pause& pause, const Log& log,
         WorkerOptions options);

  /// Serves jobs until `stop` is requested, and then releases the running jobs. Waits while the
  /// server is unavailable. Returns an error only if the server refuses this worker permanently or
  /// the engine cannot be started.
  absl::Status Run(const std::stop_token& stop);

 private:
  absl::Status TryToRegister(const std::stop_token& stop);
  absl::Status Register();
  absl::Status LeaseInto(LeasedJobs& jobs, const Room& room, const std::stop_token& stop);
  absl::Status AfterFailedLease(const absl::Status& status, bool interrupted,
                                const std::stop_token& stop);
  void Start(LeasedJobs& jobs, const v1::LeasedJob& job, absl::Duration ttl,
             const std::stop_token& stop);
  int MostGenerations() const;
  Room RoomIn(const LeasedJobs& jobs) const;
  v1::WorkerLoad CurrentLoad() const;  // any thread
  bool BackOff(const std::stop_token& stop) { return pause_.For(backoff_.Next(), stop); }
  void LogServerState(const absl::Status& status);

  ServerLink& link_;
  Engine& engine_;
  const Clock& clock_;
  Pause& pause_;
  const Log log_;
  const WorkerOptions options_;
  const std::vector<BaseModelOffer> offers_;
  EngineUse use_;
  const ServeTools tools_;
  Backoff backoff_;
  v1::LeaseRequest request_;  // the nonce stays until the server has answered
  uint64_t jobs_served_ = 0;
  bool registered_ = false;
  bool server_unavailable_ = false;  // as last logged
};

}  // namespace vico::worker
