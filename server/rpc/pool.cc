#include "server/rpc/pool.h"

#include <utility>

#include <pthread.h>

namespace vico::server {

Pool::Pool(const std::string& name, int threads) {
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { Run(); });
    pthread_setname_np(threads_.back().native_handle(), name.substr(0, 15).c_str());
  }
}

Pool::~Pool() { Stop(); }

void Pool::Post(Task task) {
  {
    MutexLock lock(mutex_);
    if (stopping_) return;
    ready_.push_back(std::move(task));
  }
  changed_.NotifyOne();
}

void Pool::PostAt(Time when, Task task) {
  {
    MutexLock lock(mutex_);
    if (stopping_) return;
    timed_.emplace(when, std::move(task));
  }
  changed_.NotifyOne();  // a waiting thread computes its wait again
}

size_t Pool::Backlog() const {
  MutexLock lock(mutex_);
  return ready_.size();
}

void Pool::Stop() {
  std::multimap<Time, Task> dropped;  // destroyed without the lock, since a task may own anything
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    dropped.swap(timed_);
  }
  changed_.NotifyAll();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Pool::Run() {
  MutexLock lock(mutex_);
  while (true) {
    const Time now = std::chrono::steady_clock::now();
    while (!timed_.empty() && timed_.begin()->first <= now) {
      ready_.push_back(std::move(timed_.begin()->second));
      timed_.erase(timed_.begin());
      if (ready_.size() > 1) changed_.NotifyOne();
    }
    if (!ready_.empty()) {
      Task task = std::move(ready_.front());
      ready_.pop_front();
      lock.Unlock();
      task();
      task = nullptr;
      lock.Lock();
    } else if (stopping_) {
      return;
    } else if (timed_.empty()) {
      changed_.Wait(mutex_, [this] {
        mutex_.AssertHeld();
        return stopping_ || !ready_.empty() || !timed_.empty();
      });
    } else {
      // A copy, since another thread may take the task in the meantime.
      const Time next = timed_.begin()->first;
      changed_.WaitUntil(mutex_, next, [this, next] {
        mutex_.AssertHeld();
        return stopping_ || !ready_.empty() || (!timed_.empty() && timed_.begin()->first < next);
      });
    }
  }
}

}  // namespace vico::server
