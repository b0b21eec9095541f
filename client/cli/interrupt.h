// Ctrl-C and SIGTERM as a stop token, for the stretches of a command that want to end in good
// order.
#pragma once

#include <mutex>
#include <stop_token>
#include <thread>

namespace vico::client {

/// Made before any other thread, since it blocks both signals for this thread and those it starts.
/// While armed, the first signal requests a stop; any other signal ends the process at once, with
/// 128 + the signal's number. Any thread.
class Interrupt {
 public:
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  /// A fresh token, armed until Disarm or the first signal.
  std::stop_token Arm();
  void Disarm();

 private:
  void Listen(int signals, int stop);

  std::mutex mutex_;
  std::stop_source source_;
  bool armed_ = false;

  int signals_ = -1;  // signalfd
  int stop_ = -1;     // eventfd: the destructor's word to the thread
  std::thread thread_;
};

}  // namespace vico::client
