#include "worker/personalize/turn_order.h"

#include <algorithm>

namespace vico::worker {

std::optional<Work> TurnOrder::Next(const Waiting& waiting, absl::Duration now) const {
  const bool may_train = credit_ > absl::ZeroDuration();
  if (waiting.generation) {
    const bool trains = waiting.training && may_train && last_ == Work::kGeneration;
    return trains ? Work::kTraining : Work::kGeneration;
  }
  if (!waiting.training || (!may_train && now - generation_ended_ < kBetweenTurns)) {
    return std::nullopt;
  }
  return Work::kTraining;
}

void TurnOrder::Ended(Work work, absl::Duration length, const Waiting& waiting,
                      absl::Duration now) {
  last_ = work;
  if (work == Work::kTraining) {
    credit_ = waiting.generation ? credit_ - length : absl::ZeroDuration();
    return;
  }
  generation_ended_ = now;
  if (!waiting.training) return;
  const absl::Duration earned = training_share_ < 1
                                    ? length * (training_share_ / (1 - training_share_))
                                    : absl::InfiniteDuration();
  // What one turn earns is kept, more is not: a training does not save up for many turns in a row.
  credit_ = std::min(credit_ + earned, std::max(credit_, earned));
}

}  // namespace vico::worker
