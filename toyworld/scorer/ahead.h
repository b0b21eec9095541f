// Computes the next inputs of a training on background threads while the current one is in use.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace vico::toyworld {

template <typename T>
class Ahead {
 public:
  /// Next() returns make(first), make(first + 1) and so on. Calls `make` on several threads
  /// concurrently or, with 0 threads, on the thread of Next().
  Ahead(std::function<T(int64_t index)> make, int64_t first, int threads)
      : make_(std::move(make)), next_(first), room_(2 * static_cast<size_t>(threads)) {
    for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
  }
  ~Ahead() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
    for (auto& thread : threads_) thread.join();
  }
  Ahead(const Ahead&) = delete;
  Ahead& operator=(const Ahead&) = delete;

  /// Waits for the next value. Throws what `make` threw.
  T Next() {
    if (threads_.empty()) return make_(next_++);
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !made_.empty(); });
    std::future<T> first = std::move(made_.front());
    made_.pop_front();
    lock.unlock();
    changed_.notify_all();
    return first.get();
  }

 private:
  void Work() {
    for (;;) {
      std::promise<T> promise;
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopped_ || made_.size() < room_; });
      if (stopped_) return;
      const int64_t index = next_++;
      made_.push_back(promise.get_future());
      lock.unlock();
      changed_.notify_all();
      try {
        promise.set_value(make_(index));
      } catch (...) {
        promise.set_exception(std::current_exception());
      }
    }
  }

  const std::function<T(int64_t)> make_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t next_;                     // index
  std::deque<std::future<T>> made_;  // in order; the last may be in progress
  const size_t room_;
  bool stopped_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace vico::toyworld
