// Turns SIGTERM and SIGINT into a stop request.
#pragma once

#include <atomic>
#include <stop_token>
#include <thread>

namespace vico {

/// The first signal requests a stop. A second one ends the process at once with exit code 1, which
/// loses nothing: the server has stored all it has acknowledged, and a worker stores nothing.
/// At most one object exists at a time. Create it before any other thread, since threads inherit
/// the blocked signals.
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
