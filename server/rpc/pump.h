// Turns of one stream: never two at once, and a kick during a turn is never lost.
#pragma once

#include <functional>
#include <memory>
#include <mutex>

#include "server/rpc/pool.h"

namespace vico::server {

/// Any thread may kick. Held by shared_ptr, since a turn may outlive its stream's owner.
class Pump : public std::enable_shared_from_this<Pump> {
 public:
  /// `pool` must outlive the pump.
  explicit Pump(Pool& pool) : pool_(pool) {}

  /// Sets what a turn does; once, before the first kick. `turn` keeps its stream alive until
  /// Close().
  void Open(std::function<void()> turn);

  /// Asks for a turn that begins after this call.
  void Kick();

  /// No turn begins after this; one that runs goes on to its end. Drops `turn`.
  void Close();

 private:
  void Run();

  Pool& pool_;
  std::mutex mutex_;
  // guarded by mutex_
  std::shared_ptr<std::function<void()>> turn_;  // null before Open and after Close
  bool running_ = false;                         // posted, or in a turn
  bool again_ = false;                           // kicked since the turn began
};

}  // namespace vico::server
