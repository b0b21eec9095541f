// A thread that repeats a piece of work at an interval.
#pragma once

#include <functional>
#include <thread>

#include <absl/time/time.h>

#include "common/mutex.h"

namespace vico {

/// Any thread, but for the destructor, which `work` must not call.
class PeriodicThread {
 public:
  /// Starts the thread. A run that throws std::bad_alloc ends, and the next one comes. It runs
  /// `work` for the first time after one interval; `interval` is the pause between the end of a run
  /// and the start of the next one.
  PeriodicThread(absl::Duration interval, std::function<void()> work);

  /// Waits for a run in progress; none starts after it.
  ~PeriodicThread();
  PeriodicThread(const PeriodicThread&) = delete;
  PeriodicThread& operator=(const PeriodicThread&) = delete;

  /// Ends the current pause, or skips the next one.
  void Wake();

 private:
  void Loop();

  const absl::Duration interval_;
  const std::function<void()> work_;
  Mutex mutex_;
  CondVar changed_;
  bool wake_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // last: it uses the other members
};

}  // namespace vico
