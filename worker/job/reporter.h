// The reporting thread of a job: sends events and heartbeats and receives the server's directives.
#pragma once

#include <functional>
#include <thread>

#include "common/clock.h"
#include "common/log.h"
#include "common/mutex.h"
#include "worker/job/report_plan.h"
#include "worker/job/server_link.h"

namespace vico::worker {

/// Any thread. Keeps references to link and clock.
class Reporter {
 public:
  struct Options {
    ReportTiming timing;
    uint64_t jitter_seed = 0;
    /// Called on the reporting thread if the job hangs. The lease is given up then.
    std::function<void()> on_hang;
    /// Returns the load that each report carries; called on the reporting thread. May be empty.
    std::function<v1::WorkerLoad()> load{};
  };

  /// Starts the thread, which sends the first report at once.
  Reporter(ServerLink& link, const Clock& clock, const Log& log, LeaseKey lease, Options options);

  /// Stops the thread after the call that is in progress. Drops events that are still queued.
  ~Reporter();
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

  /// Queues an event; see ReportPlan::Add.
  void Add(v1::Event event);

  /// Returns what the job should do next, and records that the job is alive.
  Verdict Poll();

  /// While a Watch exists, the job must call Poll at least every `timing.hang`, or it counts as
  /// hung.
  class Watch {
   public:
    explicit Watch(Reporter& reporter);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    Reporter& reporter_;
  };

  /// While a Rest exists, an outer Watch is suspended: for calls that have a deadline of their own.
  class Rest {
   public:
    explicit Rest(Reporter& reporter);
    ~Rest();
    Rest(const Rest&) = delete;
    Rest& operator=(const Rest&) = delete;

   private:
    Reporter& reporter_;
    bool watched_ = false;
  };

  /// Waits until every event is acknowledged or the lease is lost.
  void Flush();

  /// The same, but events are sent at once, and the thread stops then. Returns the last verdict.
  Verdict FlushAndStop();

 private:
  void Run();
  void Stop();
  void WaitUntilAcknowledged() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  ServerLink& link_;
  const Clock& clock_;
  const Log log_;
  const Options options_;

  Mutex mutex_;
  ReportPlan plan_ ABSL_GUARDED_BY(mutex_);
  bool changed_ ABSL_GUARDED_BY(mutex_) = false;   // the plan, since the thread last read it
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;  // the thread is to end
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;     // the thread sends nothing more
  CondVar wake_;                                   // the thread waits for changed_ or stopping_
  CondVar progress_;                               // Flush waits for reports
  std::thread thread_;
};

}  // namespace vico::worker
