// SIGTERM and SIGINT as a stop request.
#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

namespace vico {

/// The first signal requests a stop; a second ends the process at once with status 1, which is
/// safe: what was acknowledged is durable, and a worker keeps nothing. One at a time; make it
/// before any other thread, since these inherit the blocked signals.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  std::stop_token token() const { return stop_.get_token(); }

 private:
  void Listen();

  std::stop_source stop_;
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

}  // namespace vico
