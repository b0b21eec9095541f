#include "common/process/stop_signals.h"

#include <csignal>
#include <cstdlib>

#include <pthread.h>

namespace vico {
namespace {

sigset_t Signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// Libraries may start threads before main (OpenBLAS, a dependency of OpenCV, does). These do not
// block the signals. If the kernel delivers a signal to one of them, it forwards the signal to the
// thread that waits.
std::atomic<pthread_t> listener;
static_assert(std::atomic<pthread_t>::is_always_lock_free);

void Forward(int signal) { pthread_kill(listener, signal); }

}  // namespace

StopSignals::StopSignals() {
  const sigset_t signals = Signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  thread_ = std::thread([this] { Listen(); });
  listener = thread_.native_handle();
  for (const int signal : {SIGTERM, SIGINT}) std::signal(signal, Forward);
}

StopSignals::~StopSignals() {
  for (const int signal : {SIGTERM, SIGINT}) std::signal(signal, SIG_DFL);
  over_ = true;
  // The thread waits for this signal, which is blocked, so that it does not end the process.
  pthread_kill(thread_.native_handle(), SIGTERM);  // NOLINT(bugprone-bad-signal-to-kill-thread)
  thread_.join();
}

void StopSignals::Listen() {
  const sigset_t signals = Signals();
  for (bool first = true;; first = false) {
    int signal = 0;
    sigwait(&signals, &signal);
    if (over_) return;
    if (!first) std::_Exit(1);
    stop_.request_stop();
  }
}

}  // namespace vico
