// The thread pool of calls. Handlers and turns of streams run here, since stores block on disk and
// gRPC's own threads must not block.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "common/mutex.h"

namespace vico::server {

/// Any thread may call any method.
class Pool {
 public:
  using Task = std::function<void()>;
  using Time = std::chrono::steady_clock::time_point;

  /// `name` is the name of the threads, at most 15 characters. Throws std::system_error when the
  /// system has no threads left.
  Pool(const std::string& name, int threads);
  ~Pool();  ///< as Stop()
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Runs `task` on one of the threads. The owners take turns; the tasks of one owner start in the
  /// order of posting. Dropped after Stop().
  void Post(Task task, std::string_view owner = {});

  /// Runs `task` at `when` or soon after, on a thread of its own, so that it is on time although
  /// all others are busy. It must not block. Dropped if the pool stops before.
  void PostAt(Time when, Task task);

  /// Runs `task` as PostAt() does, at each interval for as long as `owner` lives.
  void Every(std::chrono::milliseconds interval, std::weak_ptr<void> owner, Task task);

  /// Tasks that wait for a thread.
  size_t Backlog() const;

  /// Runs the posted tasks, drops those of PostAt() that are not due, and joins the threads.
  void Stop();

 private:
  using Queues = std::map<std::string, std::deque<Task>, std::less<>>;

  void Run();
  void RunTimer();
  Task Take() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable Mutex mutex_;
  CondVar ready_;
  CondVar timer_;
  Queues queues_ ABSL_GUARDED_BY(mutex_);                       // by owner; none is empty
  std::deque<Queues::iterator> turns_ ABSL_GUARDED_BY(mutex_);  // each queue once
  size_t waiting_ ABSL_GUARDED_BY(mutex_) = 0;
  std::multimap<Time, Task> timed_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::vector<std::thread> threads_;
};

}  // namespace vico::server
