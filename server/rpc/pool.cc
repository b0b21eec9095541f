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
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    ready_.push_back(std::move(task));
  }
  changed_.notify_one();
}

void Pool::PostAt(Time when, Task task) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return;
    timed_.emplace(when, std::move(task));
  }
  changed_.notify_one();  // a waiting thread computes its waking time anew
}

size_t Pool::Backlog() const {
  std::lock_guard lock(mutex_);
  return ready_.size();
}

void Pool::Stop() {
  std::multimap<Time, Task> dropped;  // destroyed outside the lock: a task may own anything
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(timed_);
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Pool::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    const Time now = std::chrono::steady_clock::now();
    while (!timed_.empty() && timed_.begin()->first <= now) {
      ready_.push_back(std::move(timed_.begin()->second));
      timed_.erase(timed_.begin());
      if (ready_.size() > 1) changed_.notify_one();
    }
    if (!ready_.empty()) {
      Task task = std::move(ready_.front());
      ready_.pop_front();
      lock.unlock();
      task();
      task = nullptr;
      lock.lock();
    } else if (stopping_) {
      return;
    } else if (timed_.empty()) {
      changed_.wait(lock);
    } else {
      const Time next =
          timed_.begin()->first;  // a copy: another thread may take the task meanwhile
      changed_.wait_until(lock, next);
    }
  }
}

}  // namespace vico::server
