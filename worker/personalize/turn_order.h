// Decides whose turn on a device is next, a generation's or a training's. It has neither threads
// nor a clock: DeviceTurns asks it.
#pragma once

#include <optional>

#include <absl/time/time.h>

namespace vico::worker {

/// Evaluations count as trainings: at most one job of either kind runs at a time.
enum class Work { kGeneration, kTraining };

/// Generations and trainings that wait take turns. A waiting generation waits for one turn of a
/// training at most. A training has turns while its share of the time is not used up, and always
/// when no generation waits.
class TurnOrder {
 public:
  struct Waiting {
    bool generation = false;
    bool training = false;
  };

  /// A generation that begins its next turn so soon after the last one counts as waiting.
  static constexpr absl::Duration kBetweenTurns = absl::Milliseconds(20);

  /// `training_share` in 0..1: the part of the device's time that a training has while generations
  /// wait. With 0 it has turns only when none waits, with 1 every second turn.
  explicit TurnOrder(double training_share) : training_share_(training_share) {}

  /// What the next turn is for, at the time `now` of a monotonic clock; nothing while the training
  /// waits for a generation that is between two turns.
  std::optional<Work> Next(const Waiting& waiting, absl::Duration now) const;

  /// A turn has ended at `now` and took `length`.
  void Ended(Work work, absl::Duration length, const Waiting& waiting, absl::Duration now);

 private:
  const double training_share_;
  Work last_ = Work::kGeneration;
  absl::Duration generation_ended_ = -absl::InfiniteDuration();
  absl::Duration credit_;  // of trainings: time that they have earned, less what they have used
};

}  // namespace vico::worker
