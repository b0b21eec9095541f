#include "client/output/interrupt.h"

#include <array>
#include <csignal>
#include <cstdint>

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace vico::client {

Interrupt::Interrupt() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC);
  stop_ = eventfd(0, EFD_CLOEXEC);
  thread_ = std::thread(&Interrupt::Listen, this, signals_, stop_);
}

Interrupt::~Interrupt() {
  const std::uint64_t one = 1;
  if (write(stop_, &one, sizeof(one)) == sizeof(one)) thread_.join();
  close(signals_);
  close(stop_);
}

std::stop_token Interrupt::Arm() {
  const MutexLock lock(mutex_);
  source_ = std::stop_source();
  armed_ = true;
  return source_.get_token();
}

void Interrupt::Disarm() {
  const MutexLock lock(mutex_);
  armed_ = false;
}

void Interrupt::Listen(int signals, int stop) {
  while (true) {
    std::array<pollfd, 2> waiting{{{signals, POLLIN, 0}, {stop, POLLIN, 0}}};
    if (poll(waiting.data(), waiting.size(), -1) < 0) continue;  // EINTR
    if (waiting[1].revents != 0) return;
    signalfd_siginfo info{};
    if (read(signals, &info, sizeof(info)) != sizeof(info)) continue;
    std::stop_source source;
    {
      const MutexLock lock(mutex_);
      if (!armed_) _exit(128 + static_cast<int>(info.ssi_signo));
      armed_ = false;
      source = source_;
    }
    source.request_stop();  // without the lock, since it runs callbacks
  }
}

}  // namespace vico::client
