// Turns of several threads on one device.
#include "worker/personalize/device_turns.h"

#include <atomic>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"

namespace vico::worker {
namespace {

using testing::ElementsAre;

class DeviceTurnsTest : public testing::Test {
 protected:
  /// Starts a thread that takes a turn and notes its number. Returns when the thread waits.
  void Queue(Work work, int number) {
    const int64_t before = turns_.waiting(work);
    threads_.emplace_back([this, work, number] {
      const auto turn = turns_.Take(work);
      order_.push_back(number);  // in a turn, hence one thread at a time
    });
    while (turns_.waiting(work) == before) std::this_thread::yield();
  }

  const SystemClock clock_;
  DeviceTurns turns_{0.5, clock_};
  std::vector<int> order_;
  std::vector<std::jthread> threads_;
};

TEST_F(DeviceTurnsTest, GenerationsHaveTurnsInTheOrderOfTheirCalls) {
  auto turn = turns_.Take(Work::kGeneration);
  for (int i = 0; i < 5; ++i) Queue(Work::kGeneration, i);
  turn.End();
  threads_.clear();
  EXPECT_THAT(order_, ElementsAre(0, 1, 2, 3, 4));
}

TEST_F(DeviceTurnsTest, AfterATurnOfATrainingTheWaitingGenerationIsNext) {
  auto turn = turns_.Take(Work::kTraining);
  Queue(Work::kTraining, 1);
  Queue(Work::kGeneration, 2);
  turn.End();
  threads_.clear();
  EXPECT_THAT(order_, ElementsAre(2, 1));
}

TEST_F(DeviceTurnsTest, OneThreadAtATimeHasATurn) {
  std::atomic<int> inside = 0;
  std::atomic<bool> met = false;
  for (int i = 0; i < 6; ++i) {
    threads_.emplace_back([&, work = i % 3 == 0 ? Work::kTraining : Work::kGeneration] {
      for (int j = 0; j < 200; ++j) {
        const auto turn = turns_.Take(work);
        if (++inside > 1) met = true;
        --inside;
      }
    });
  }
  threads_.clear();
  EXPECT_FALSE(met);
}

TEST_F(DeviceTurnsTest, AHeldTurnIsFreeDuringACallOnly) {
  HeldTurn held(turns_, Work::kTraining);
  const int answer = held.Without([&] {
    const auto turn = turns_.Take(Work::kGeneration);
    return 42;
  });
  EXPECT_EQ(answer, 42);
  Queue(Work::kGeneration, 7);
  EXPECT_TRUE(order_.empty());
  held.Without([&] { threads_.clear(); });
  EXPECT_THAT(order_, ElementsAre(7));
}

TEST_F(DeviceTurnsTest, ATrainingThatWaitsCallsBackEveryFewSeconds) {
  FakeClock clock;
  DeviceTurns turns(0, clock);
  auto turn = turns.Take(Work::kGeneration);
  std::atomic<int> calls = 0;
  std::jthread training([&] {
    const auto its = turns.Take(Work::kTraining, [&] {
      // Not under the lock.
      EXPECT_EQ(turns.waiting(Work::kTraining), 1);
      ++calls;
    });
  });
  while (turns.waiting(Work::kTraining) == 0) std::this_thread::yield();
  for (int expected = 1; expected <= 2; ++expected) {
    clock.Advance(DeviceTurns::kBetweenCalls);
    while (calls < expected) std::this_thread::yield();
  }
  turn.End();
  clock.Advance(TurnOrder::kBetweenTurns);
  training.join();
  EXPECT_EQ(calls, 2);
}

TEST_F(DeviceTurnsTest, ATurnEndsWhenItIsDestroyedOrReplaced) {
  auto turn = turns_.Take(Work::kGeneration);
  DeviceTurns::Turn moved = std::move(turn);
  moved = DeviceTurns::Turn();
  const auto next = turns_.Take(Work::kTraining);
}

}  // namespace
}  // namespace vico::worker
