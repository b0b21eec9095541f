#include "common/periodic_thread.h"

#include <new>
#include <utility>

namespace vico {

PeriodicThread::PeriodicThread(absl::Duration interval, std::function<void()> work)
    : interval_(interval), work_(std::move(work)), thread_([this] { Loop(); }) {}

PeriodicThread::~PeriodicThread() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.NotifyOne();
  thread_.join();
}

void PeriodicThread::Wake() {
  {
    MutexLock lock(mutex_);
    wake_ = true;
  }
  changed_.NotifyOne();
}

void PeriodicThread::Loop() {
  MutexLock lock(mutex_);
  while (true) {
    changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(interval_), [this] {
      mutex_.AssertHeld();
      return stopping_ || wake_;
    });
    if (stopping_) return;
    wake_ = false;
    lock.Unlock();
    try {
      work_();
    } catch (const std::bad_alloc&) {
      // The next run may find memory again.
    }
    lock.Lock();
  }
}

}  // namespace vico
