#include "server/rpc/pump.h"

#include <utility>

namespace vico::server {

void Pump::Open(std::function<void()> turn) {
  std::lock_guard lock(mutex_);
  turn_ = std::make_shared<std::function<void()>>(std::move(turn));
}

void Pump::Kick() {
  {
    std::lock_guard lock(mutex_);
    if (!turn_) return;
    if (running_) {
      again_ = true;
      return;
    }
    running_ = true;
  }
  pool_.Post([self = shared_from_this()] { self->Run(); });
}

void Pump::Close() {
  std::shared_ptr<std::function<void()>> dropped;  // destroyed outside the lock
  std::lock_guard lock(mutex_);
  dropped.swap(turn_);
}

void Pump::Run() {
  std::shared_ptr<std::function<void()>> turn;
  {
    std::lock_guard lock(mutex_);
    again_ = false;
    turn = turn_;
  }
  if (turn) (*turn)();
  {
    std::lock_guard lock(mutex_);
    if (!again_ || !turn_) {
      running_ = false;
      return;
    }
  }
  // To the back of the queue, so that a busy stream does not keep the others waiting.
  pool_.Post([self = shared_from_this()] { self->Run(); });
}

}  // namespace vico::server
