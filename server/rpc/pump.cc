#include "server/rpc/pump.h"

#include <utility>

namespace vico::server {

void Pump::Open(std::function<void()> turn) {
  MutexLock lock(mutex_);
  turn_ = std::make_shared<std::function<void()>>(std::move(turn));
}

void Pump::Kick() {
  {
    MutexLock lock(mutex_);
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
  MutexLock lock(mutex_);
  dropped.swap(turn_);
}

void Pump::Run() {
  std::shared_ptr<std::function<void()>> turn;
  {
    MutexLock lock(mutex_);
    again_ = false;
    turn = turn_;
  }
  if (turn) (*turn)();
  {
    MutexLock lock(mutex_);
    if (!again_ || !turn_) {
      running_ = false;
      return;
    }
  }
  // At the back of the queue, so that a busy stream does not delay the others.
  pool_.Post([self = shared_from_this()] { self->Run(); });
}

}  // namespace vico::server
