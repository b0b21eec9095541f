// The second thread of a job: sends its events and heartbeats, and learns what the server wants.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

#include "common/clock.h"
#include "common/log.h"
#include "worker/job/report_plan.h"
#include "worker/job/server_link.h"

namespace vico::worker {

/// Any thread. Keeps references to link and clock.
class Reporter {
 public:
  struct Options {
    ReportTiming timing;
    uint64_t jitter_seed = 0;
    /// Called on the reporter's thread when the job hangs; the lease is given up then.
    std::function<void()> on_hang;
    /// What goes along with each report; called on the reporter's thread. None if left out.
    std::function<v1::WorkerLoad()> load{};
  };

  /// Starts the thread; the first report goes out at once.
  Reporter(ServerLink& link, const Clock& clock, const Log& log, LeaseKey lease, Options options);

  /// Stops the thread after the call under way; events still waiting are dropped.
  ~Reporter();
  Reporter(const Reporter&) = delete;
  Reporter& operator=(const Reporter&) = delete;

  /// Queues an event; see ReportPlan::Add.
  void Add(v1::Event event);

  /// What the job should do next. Also a sign of life.
  Verdict Poll();

  /// While one lives, the job must call Poll every `timing.hang`, or it counts as hung.
  class Watch {
   public:
    explicit Watch(Reporter& reporter);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    Reporter& reporter_;
  };

  /// While one lives, an outer Watch rests: for calls that have a deadline of their own.
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

  /// Waits until every event is acknowledged or the lease is lost, and ends the thread.
  Verdict FlushAndStop();

 private:
  void Run(std::stop_token stop);

  ServerLink& link_;
  const Clock& clock_;
  const Log log_;
  const Options options_;

  std::mutex mutex_;
  ReportPlan plan_;                    // guarded by mutex_
  bool woken_ = false;                 // guarded by mutex_: something changed for the thread
  bool ended_ = false;                 // guarded by mutex_: the thread sends nothing more
  std::condition_variable_any wake_;   // for the thread
  std::condition_variable_any moved_;  // for FlushAndStop
  std::jthread thread_;
};

}  // namespace vico::worker
