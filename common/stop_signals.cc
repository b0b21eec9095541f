#include "common/stop_signals.h"

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

// A library may start threads before main, which do not block the signals (OpenBLAS, below OpenCV,
// does), and the kernel may choose one of them: it sends the signal on to the thread that waits.
std::atomic<pthread_t> listener;
static_assert(std::atomic<pthread_t>::is_always_lock_free);

void SendOn(int signal) { pthread_kill(listener, signal); }

}  // namespace

StopSignals::StopSignals() {
  const sigset_t signals = Signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  thread_ = std::thread([this] { Listen(); });
  listener = thread_.native_handle();
  for (const int signal : {SIGTERM, SIGINT}) std::signal(signal, SendOn);
}

StopSignals::~StopSignals() {
  for (const int signal : {SIGTERM, SIGINT}) std::signal(signal, SIG_DFL);
  over_ = true;
  pthread_kill(thread_.native_handle(), SIGTERM);
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
