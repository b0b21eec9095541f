// The thread pool of calls. Handlers and turns of streams run here, since stores block on disk and
// gRPC's own threads must not block.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "common/mutex.h"

namespace vico::server {

/// Any thread may call any method.
class Pool {
 public:
  using Task = std::function<void()>;
  using Time = std::chrono::steady_clock::time_point;

  /// `name` is the name of the threads, at most 15 characters.
  Pool(const std::string& name, int threads);
  ~Pool();  ///< as Stop()
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Runs `task` on one of the threads. Tasks start in the order of posting. Dropped after Stop().
  void Post(Task task);

  /// Runs `task` at `when` or soon after. Dropped if the pool stops before.
  void PostAt(Time when, Task task);

  /// Tasks that wait for a thread.
  size_t Backlog() const;

  /// Runs the posted tasks, drops those of PostAt() that are not due, and joins the threads.
  void Stop();

 private:
  void Run();

  mutable Mutex mutex_;
  CondVar changed_;
  std::deque<Task> ready_ ABSL_GUARDED_BY(mutex_);
  std::multimap<Time, Task> timed_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;

  std::vector<std::thread> threads_;
};

}  // namespace vico::server
