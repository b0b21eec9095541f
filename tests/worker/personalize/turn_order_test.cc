// Whose turn is next, simulated: no threads, and time that the test makes.
#include "worker/personalize/turn_order.h"

#include <algorithm>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

namespace vico::worker {
namespace {

const absl::Duration kAfterGap = TurnOrder::kBetweenTurns + absl::Milliseconds(1);
constexpr TurnOrder::Waiting kBoth = {.generation = true, .training = true};
constexpr TurnOrder::Waiting kTrainingOnly = {.training = true};

/// Runs turns while both kinds of work always wait.
struct Contention {
  TurnOrder order;
  absl::Duration generation, training;  // lengths of a turn
  absl::Duration now = absl::Hours(1);
  std::vector<Work> turns = {};

  void Run(int count) {
    for (int i = 0; i < count; ++i) {
      const Work work = order.Next(kBoth, now).value();
      const absl::Duration length = work == Work::kTraining ? training : generation;
      now += length;
      order.Ended(work, length, kBoth, now);
      turns.push_back(work);
    }
  }

  double TrainingShare() const {
    absl::Duration trained, total;
    for (const Work work : turns) {
      const absl::Duration length = work == Work::kTraining ? training : generation;
      total += length;
      if (work == Work::kTraining) trained += length;
    }
    return absl::FDivDuration(trained, total);
  }
};

TEST(TurnOrderTest, ATrainingGetsItsShareOfTheTimeWhenItsTurnsAreTheLongerOnes) {
  for (const double share : {0.1, 0.25, 0.5, 0.75}) {
    Contention contention = {TurnOrder(share), absl::Seconds(1), absl::Seconds(4)};
    contention.Run(2000);
    EXPECT_NEAR(contention.TrainingShare(), share, 0.01);
  }
}

TEST(TurnOrderTest, AGenerationNeverWaitsForTwoTurnsOfATraining) {
  for (const double share : {0.5, 0.9, 1.0}) {
    Contention contention = {TurnOrder(share), absl::Seconds(4), absl::Seconds(1)};
    contention.Run(200);
    for (size_t i = 1; i < contention.turns.size(); ++i) {
      EXPECT_FALSE(contention.turns[i] == Work::kTraining &&
                   contention.turns[i - 1] == Work::kTraining);
    }
    EXPECT_NEAR(contention.TrainingShare(), 0.2, 0.01) << "every second turn is the training's";
  }
}

TEST(TurnOrderTest, NobodyStarvesWithAShareBetweenNoneAndAll) {
  for (const double share : {0.01, 0.99}) {
    Contention contention = {TurnOrder(share), absl::Seconds(1), absl::Seconds(1)};
    contention.Run(1000);
    EXPECT_GE(contention.TrainingShare(), 0.009);
    EXPECT_LE(contention.TrainingShare(), 0.501);
  }
}

TEST(TurnOrderTest, WithoutAShareATrainingGoesOnOnlyWhenNoGenerationWaits) {
  Contention contention = {TurnOrder(0), absl::Seconds(1), absl::Seconds(1)};
  contention.Run(100);
  EXPECT_EQ(contention.TrainingShare(), 0);
  EXPECT_EQ(contention.order.Next(kTrainingOnly, contention.now), std::nullopt);
  EXPECT_EQ(contention.order.Next(kTrainingOnly, contention.now + kAfterGap), Work::kTraining);
}

TEST(TurnOrderTest, ATrainingWithoutCreditWaitsForAGenerationThatIsBetweenTwoTurns) {
  TurnOrder order(0.5);
  const absl::Duration now = absl::Hours(1);
  order.Ended(Work::kGeneration, absl::Seconds(1), kTrainingOnly, now);
  EXPECT_EQ(order.Next(kTrainingOnly, now), Work::kTraining) << "it has credit for a turn";
  const absl::Duration later = now + absl::Seconds(3);
  order.Ended(Work::kTraining, absl::Seconds(3), kBoth, later);
  const absl::Duration again = later + absl::Seconds(1);
  order.Ended(Work::kGeneration, absl::Seconds(1), kTrainingOnly, again);

  EXPECT_EQ(order.Next(kTrainingOnly, again), std::nullopt) << "it has used 2 s more than earned";
  EXPECT_EQ(order.Next(kBoth, again), Work::kGeneration);
  EXPECT_EQ(order.Next(kTrainingOnly, again + kAfterGap), Work::kTraining);
}

TEST(TurnOrderTest, ATrainingThatRunsAloneOwesNothing) {
  TurnOrder order(0.5);
  absl::Duration now = absl::Hours(1);
  for (int i = 0; i < 100; ++i) {
    now += absl::Seconds(1);
    order.Ended(Work::kTraining, absl::Seconds(1), kTrainingOnly, now);
  }
  order.Ended(Work::kGeneration, absl::Seconds(1), kBoth, now);
  EXPECT_EQ(order.Next(kBoth, now), Work::kTraining);
}

TEST(TurnOrderTest, ATrainingSavesUpOneTurnOnly) {
  Contention contention = {TurnOrder(0.5), absl::Seconds(10), absl::Seconds(1)};
  contention.Run(100);
  contention.training = absl::Seconds(20);
  contention.turns.clear();
  contention.Run(6);
  EXPECT_LE(std::count(contention.turns.begin(), contention.turns.end(), Work::kTraining), 2);
}

}  // namespace
}  // namespace vico::worker
