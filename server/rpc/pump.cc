#include "server/rpc/pump.h"

#include <utility>

namespace vico::server {

void Pump::Open(std::function<void()> turn, std::string owner) {
  MutexLock lock(mutex_);
  owner_ = std::move(owner);
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
  Post();
}

void Pump::Close() {
  std::shared_ptr<std::function<void()>> dropped;  // destroyed outside the lock
  MutexLock lock(mutex_);
  dropped.swap(turn_);
}

void Pump::Post() {
  pool_.Post([self = shared_from_this()] { self->Run(); }, owner_);
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
  Post();
}

}  // namespace vico::server
