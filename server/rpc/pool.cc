#include "server/rpc/pool.h"

#include <utility>

#include <pthread.h>

namespace vico::server {

Pool::Pool(const std::string& name, int threads) {
  try {
    threads_.reserve(static_cast<size_t>(threads) + 1);
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
    threads_.emplace_back([this] { RunTimer(); });
  } catch (...) {
    Stop();  // those that did start
    throw;
  }
  for (std::thread& thread : threads_) {
    pthread_setname_np(thread.native_handle(), name.substr(0, 15).c_str());
  }
}

Pool::~Pool() { Stop(); }

void Pool::Post(Task task, std::string_view owner) {
  {
    MutexLock lock(mutex_);
    if (stopping_) return;
    auto queue = queues_.find(owner);
    if (queue == queues_.end()) {
      queue = queues_.try_emplace(std::string(owner)).first;
      turns_.push_back(queue);
    }
    queue->second.push_back(std::move(task));
    ++waiting_;
  }
  ready_.NotifyOne();
}

void Pool::PostAt(Time when, Task task) {
  {
    MutexLock lock(mutex_);
    if (stopping_) return;
    timed_.emplace(when, std::move(task));
  }
  timer_.NotifyOne();  // it computes its wait again
}

void Pool::Every(std::chrono::milliseconds interval, std::weak_ptr<void> owner, Task task) {
  PostAt(std::chrono::steady_clock::now() + interval,
         [this, interval, owner = std::move(owner), task = std::move(task)] {
           if (owner.expired()) return;
           task();
           Every(interval, owner, task);
         });
}

size_t Pool::Backlog() const {
  MutexLock lock(mutex_);
  return waiting_;
}

void Pool::Stop() {
  std::multimap<Time, Task> dropped;  // destroyed without the lock, since a task may own anything
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    dropped.swap(timed_);
  }
  ready_.NotifyAll();
  timer_.NotifyAll();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

/// The next task of the owner whose turn it is.
Pool::Task Pool::Take() {
  const Queues::iterator queue = turns_.front();
  turns_.pop_front();
  Task task = std::move(queue->second.front());
  queue->second.pop_front();
  if (queue->second.empty()) {
    queues_.erase(queue);
  } else {
    turns_.push_back(queue);
  }
  --waiting_;
  return task;
}

void Pool::Run() {
  MutexLock lock(mutex_);
  while (true) {
    ready_.Wait(mutex_, [this] {
      mutex_.AssertHeld();
      return stopping_ || waiting_ > 0;
    });
    if (waiting_ == 0) return;
    Task task = Take();
    lock.Unlock();
    task();
    task = nullptr;
    lock.Lock();
  }
}

void Pool::RunTimer() {
  MutexLock lock(mutex_);
  while (!stopping_) {
    if (timed_.empty()) {
      timer_.Wait(mutex_, [this] {
        mutex_.AssertHeld();
        return stopping_ || !timed_.empty();
      });
      continue;
    }
    const Time next = timed_.begin()->first;
    if (next > std::chrono::steady_clock::now()) {
      timer_.WaitUntil(mutex_, next, [this, next] {
        mutex_.AssertHeld();
        return stopping_ || timed_.begin()->first < next;
      });
      continue;
    }
    Task task = std::move(timed_.begin()->second);
    timed_.erase(timed_.begin());
    lock.Unlock();
    task();
    task = nullptr;
    lock.Lock();
  }
}

}  // namespace vico::server
