// The jobs that a worker holds, each on a thread of its own, and the room for more.
#pragma once

#include <functional>
#include <list>
#include <stop_token>
#include <thread>

#include <absl/time/time.h>

#include "common/mutex.h"
#include "vico/v1/worker.pb.h"
#include "worker/lease/serve_job.h"

namespace vico::worker {

/// How many jobs a worker may still lease.
struct Room {
  int generations = 0;
  bool other = false;  ///< a training or an evaluation

  bool empty() const { return generations == 0 && !other; }
};

/// For the thread of the lease loop.
class LeasedJobs {
 public:
  /// Serves a job to its end, on the job's thread. `stop`: requested when it is to be released.
  using Serve = std::function<Served(const std::stop_token& stop)>;

  /// Room for `generations` generations, and for a training or an evaluation beside them; 1: for
  /// one job of any kind.
  explicit LeasedJobs(int generations) : generations_(generations) {}
  /// Stops the jobs and waits for their ends.
  ~LeasedJobs();
  LeasedJobs(const LeasedJobs&) = delete;
  LeasedJobs& operator=(const LeasedJobs&) = delete;

  Room room() const;

  /// Serves the job on a thread. False, without effect, if there is no room for it.
  bool Start(const v1::LeasedJob& job, Serve serve);

  /// Requests every job to stop, also those that start later. Any thread.
  void Stop() { stop_.request_stop(); }

  /// Waits until a job ends, `stop` is requested or the time is over.
  void WaitForEnd(absl::Duration time, const std::stop_token& stop);

  /// The next end of a job requests `call` to stop: it does not know of the new room.
  void StopAtNextEnd(std::stop_source call);

  struct Ends {
    bool any = false;
    bool released = false;  ///< some were released
  };
  /// Of the jobs that have ended since the last call.
  Ends TakeEnds();

 private:
  struct Held {
    bool generation = false;
    bool ended = false;
    std::thread thread{};
  };

  void Run(const Serve& serve, Held& held);
  int Count(bool generation) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int generations_;
  std::stop_source stop_;
  mutable Mutex mutex_;
  std::list<Held> held_ ABSL_GUARDED_BY(mutex_);
  Ends ends_ ABSL_GUARDED_BY(mutex_);
  std::stop_source call_ ABSL_GUARDED_BY(mutex_){std::nostopstate};
  CondVar changed_;
};

}  // namespace vico::worker
