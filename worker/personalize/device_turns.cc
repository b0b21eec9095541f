#include "worker/personalize/device_turns.h"

#include <iterator>

namespace vico::worker {

DeviceTurns::Turn& DeviceTurns::Turn::operator=(Turn&& other) noexcept {
  if (this != &other) {
    End();
    turns_ = std::exchange(other.turns_, nullptr);
  }
  return *this;
}

void DeviceTurns::Turn::End() {
  if (turns_ != nullptr) std::exchange(turns_, nullptr)->End();
}

DeviceTurns::Turn DeviceTurns::Take(Work work, const WhileWaiting& while_waiting) {
  MutexLock lock(mutex_);
  const int64_t call = calls_++;
  std::deque<int64_t>& queue = QueueOf(work);
  queue.push_back(call);
  const auto is_next = [&] {
    mutex_.AssertHeld();
    return !busy_ && queue.front() == call && order_.Next(WhatWaits(), clock_.Uptime()) == work;
  };
  if (work == Work::kGeneration) {
    changed_.Wait(mutex_, is_next);
  } else {
    // A training's turn may also begin because time has passed.
    const auto between = absl::ToChronoNanoseconds(TurnOrder::kBetweenTurns);
    absl::Duration called = clock_.Uptime();
    while (!changed_.WaitFor(mutex_, between, is_next)) {
      if (!while_waiting || clock_.Uptime() - called < kBetweenCalls) continue;
      called = clock_.Uptime();
      lock.Unlock();
      while_waiting();
      lock.Lock();
    }
  }
  queue.pop_front();
  busy_ = true;
  work_ = work;
  begin_ = clock_.Uptime();
  return Turn(this);
}

int64_t DeviceTurns::waiting(Work work) const {
  const MutexLock lock(mutex_);
  return std::ssize(work == Work::kGeneration ? generations_ : trainings_);
}

void DeviceTurns::End() {
  const MutexLock lock(mutex_);
  const absl::Duration now = clock_.Uptime();
  order_.Ended(work_, now - begin_, WhatWaits(), now);
  busy_ = false;
  changed_.NotifyAll();
}

}  // namespace vico::worker
