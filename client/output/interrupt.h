// Turns Ctrl-C and SIGTERM into a stop token while a command wants to end in order.
#pragma once

#include <stop_token>
#include <thread>

#include "common/mutex.h"

namespace vico::client {

/// Create it before any other thread, since it blocks both signals for this thread and those that
/// it starts. While armed, the first signal requests a stop. Any other signal ends the process at
/// once with exit code 128 + the number of the signal. Any thread.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  /// A new token. It is armed until Disarm() or the first signal.
  std::stop_token Arm();
  void Disarm();

 private:
  void Listen(int signals, int stop);

  Mutex mutex_;
  std::stop_source source_ ABSL_GUARDED_BY(mutex_);
  bool armed_ ABSL_GUARDED_BY(mutex_) = false;

  int signals_ = -1;  // signalfd
  int stop_ = -1;     // eventfd: tells the thread to end
  std::thread thread_;
};

}  // namespace vico::client
