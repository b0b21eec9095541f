// A fixed number of threads for the work of calls. Stores block on disk, and gRPC's own threads
// must not, so every handler and every turn of a stream runs here.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace vico::server {

/// Any thread may call any method.
class Pool {
 public:
  using Task = std::function<void()>;
  using Time = std::chrono::steady_clock::time_point;

  /// `name` is what the threads are called, at most 15 characters.
  Pool(const std::string& name, int threads);
  ~Pool();  ///< as Stop()
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  /// Runs `task` on one of the threads, in order of posting. Dropped after Stop().
  void Post(Task task);

  /// Runs `task` at `when`, or soon after. Dropped if the pool stops before.
  void PostAt(Time when, Task task);

  /// Tasks that wait for a thread.
  size_t Backlog() const;

  /// Runs what is posted already, drops what waits for its time, joins the threads.
  void Stop();

 private:
  void Run();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // guarded by mutex_
  std::deque<Task> ready_;
  std::multimap<Time, Task> timed_;
  bool stopping_ = false;

  std::vector<std::thread> threads_;
};

}  // namespace vico::server
