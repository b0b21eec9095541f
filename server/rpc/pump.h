// Runs the turns of one stream on the pool, one at a time. A kick during a turn causes another
// turn.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/mutex.h"
#include "server/rpc/pool.h"

namespace vico::server {

/// Any thread. Held by shared_ptr, since a turn may outlive the stream's owner.
class Pump : public std::enable_shared_from_this<Pump> {
 public:
  /// `pool` must outlive the pump.
  explicit Pump(Pool& pool) : pool_(pool) {}

  /// Sets the function of a turn, once, and in whose name the pool runs it. Kicks before this have
  /// no effect. `turn` keeps its stream alive until Close().
  void Open(std::function<void()> turn, std::string owner = {});

  /// Requests a turn that starts after this call.
  void Kick();

  /// No turn starts after this; a running one continues to its end. Drops `turn`.
  void Close();

 private:
  void Run();

  void Post();

  Pool& pool_;
  std::string owner_;  // set before the first turn
  Mutex mutex_;
  // Null before Open and after Close.
  std::shared_ptr<std::function<void()>> turn_ ABSL_GUARDED_BY(mutex_);
  bool running_ ABSL_GUARDED_BY(mutex_) = false;  // posted, or in a turn
  bool again_ ABSL_GUARDED_BY(mutex_) = false;    // kicked since the turn started
};

}  // namespace vico::server
