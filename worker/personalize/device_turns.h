// Turns on a device that several jobs of one process use, each on a thread of its own.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <utility>

#include <absl/base/thread_annotations.h>
#include <absl/time/time.h>

#include "common/clock.h"
#include "common/mutex.h"
#include "worker/personalize/turn_order.h"

namespace vico::worker {

/// Any thread. A thread that has a turn must not take another.
class DeviceTurns {
 public:
  /// `training_share` as for TurnOrder. `clock` must outlive the object.
  DeviceTurns(double training_share, const Clock& clock) : clock_(clock), order_(training_share) {}

  /// Ends when it is destroyed. Must not outlive its DeviceTurns.
  class [[nodiscard]] Turn {
   public:
    Turn() = default;  ///< of no device
    Turn(Turn&& other) noexcept : turns_(std::exchange(other.turns_, nullptr)) {}
    Turn& operator=(Turn&& other) noexcept;
    ~Turn() { End(); }

    void End();

   private:
    friend class DeviceTurns;
    explicit Turn(DeviceTurns* turns) : turns_(turns) {}

    DeviceTurns* turns_ = nullptr;
  };

  /// Called every few seconds while a training waits; may be left out.
  using WhileWaiting = std::function<void()>;
  static constexpr absl::Duration kBetweenCalls = absl::Seconds(5);

  /// Waits until the device is free and this call is next: those of one kind of work in the order
  /// of their calls, and which kind as TurnOrder says.
  Turn Take(Work work, const WhileWaiting& while_waiting = {});

  /// The number of calls that wait for a turn of this kind.
  int64_t waiting(Work work) const;

 private:
  std::deque<int64_t>& QueueOf(Work work) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return work == Work::kGeneration ? generations_ : trainings_;
  }
  TurnOrder::Waiting WhatWaits() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) {
    return {.generation = !generations_.empty(), .training = !trainings_.empty()};
  }
  void End();

  const Clock& clock_;
  mutable Mutex mutex_;
  CondVar changed_;
  TurnOrder order_ ABSL_GUARDED_BY(mutex_);
  std::deque<int64_t> generations_ ABSL_GUARDED_BY(mutex_);  // calls that wait, oldest first
  std::deque<int64_t> trainings_ ABSL_GUARDED_BY(mutex_);
  int64_t calls_ ABSL_GUARDED_BY(mutex_) = 0;
  bool busy_ ABSL_GUARDED_BY(mutex_) = false;
  Work work_ ABSL_GUARDED_BY(mutex_) = Work::kGeneration;  // of the running turn
  absl::Duration begin_ ABSL_GUARDED_BY(mutex_);           // of the running turn
};

/// A turn that a job keeps, except while it calls back.
class HeldTurn {
 public:
  HeldTurn(DeviceTurns& turns, Work work, DeviceTurns::WhileWaiting while_waiting = {})
      : turns_(turns),
        work_(work),
        while_waiting_(std::move(while_waiting)),
        turn_(turns.Take(work, while_waiting_)) {}

  /// Calls `function` without the turn, and waits for the next turn.
  template <typename Function>
  auto Without(const Function& function) {
    const Pause pause(*this);
    return function();
  }

 private:
  class Pause {
   public:
    explicit Pause(HeldTurn& held) : held_(held) { held.turn_.End(); }
    ~Pause() { held_.turn_ = held_.turns_.Take(held_.work_, held_.while_waiting_); }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    HeldTurn& held_;
  };

  DeviceTurns& turns_;
  const Work work_;
  const DeviceTurns::WhileWaiting while_waiting_;
  DeviceTurns::Turn turn_;
};

}  // namespace vico::worker
