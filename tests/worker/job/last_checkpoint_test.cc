// The state after a training's last step is stored, and a training that continues an adapter gets
// what it may start from.
#include <cstdint>
#include <string>
#include <vector>

#include "tests/worker/job/run_job_fixture.h"

namespace vico::worker {
namespace {

using testing::ElementsAre;

class LastCheckpointTest : public RunJobTest {
 protected:
  LastCheckpointTest() { fence_ = absl::InfiniteDuration(); }

  /// Steps `first` to `last`, with the checkpoints that are asked for.
  static void TrainTo(int64_t first, int64_t last, const TrainCallbacks& callbacks) {
    for (int64_t step = first; step <= last; ++step) {
      ASSERT_TRUE(callbacks.on_step({.step = step, .total_steps = last, .loss = 1}));
      const bool finishes = callbacks.finishes_early();
      if (callbacks.wants_checkpoint(step, false)) {
        callbacks.on_checkpoint({.step = step, .serialize = [step] {
                                   return absl::StatusOr<std::string>("state " +
                                                                      std::to_string(step));
                                 }});
      }
      if (finishes) return;
    }
  }

  std::vector<int64_t> StoredSteps() const {
    std::vector<int64_t> steps;
    for (const v1::Event& event : link_.events()) {
      if (event.has_checkpoint()) steps.push_back(event.checkpoint().step());
    }
    return steps;
  }
};

TEST_F(LastCheckpointTest, TheStateAfterTheLastStepIsStoredBeforeTheResult) {
  engine_.train = [&](const auto&, const auto&,
                      const TrainCallbacks& callbacks) -> absl::StatusOr<TrainedAdapter> {
    TrainTo(1, 3, callbacks);
    return TrainedAdapter{.safetensors = "adapter"};
  };

  const auto outcome = Run(training_);

  ASSERT_TRUE(outcome && outcome->has_trained());
  EXPECT_THAT(StoredSteps(), ElementsAre(3));
}

TEST_F(LastCheckpointTest, ATrainingThatFinishesEarlyStoresItsLastStep) {
  training_.mutable_spec()->mutable_train()->set_steps(40);
  engine_.train = [&](const auto&, const auto&,
                      const TrainCallbacks& callbacks) -> absl::StatusOr<TrainedAdapter> {
    TrainTo(1, 1, callbacks);
    link_.AnswerReportsWith(AnswerWith(v1::DIRECTIVE_FINISH));
    WaitForVerdict(Verdict::kFinish);
    TrainTo(2, 40, callbacks);
    return TrainedAdapter{.safetensors = "adapter"};
  };

  const auto outcome = Run(training_);

  ASSERT_TRUE(outcome && outcome->has_trained());
  EXPECT_EQ(outcome->trained().summary().steps(), 2);
  EXPECT_THAT(StoredSteps(), ElementsAre(2));
}

TEST_F(LastCheckpointTest, AContinuedTrainingGetsTheCheckpointAndTheAdapter) {
  auto& spec = *training_.mutable_spec()->mutable_train();
  spec.set_steps(7);
  spec.set_continued_adapter("adapters/1");
  spec.set_continued_steps(4);
  auto& kept = *training_.mutable_checkpoints()->add_newest_first();
  kept.set_step(4);
  *kept.mutable_blob() = link_.Stored("state 4");
  *training_.mutable_adapter()->mutable_blob() = link_.Stored("continued adapter");
  engine_.train = [&](const auto&, const auto&,
                      const TrainCallbacks& callbacks) -> absl::StatusOr<TrainedAdapter> {
    EXPECT_EQ(*callbacks.checkpoints.at(0).fetch(), "state 4");
    EXPECT_EQ(*callbacks.fetch_continued(), "continued adapter");
    callbacks.on_resumed(4, {});  // from the weights
    TrainTo(5, 7, callbacks);
    return TrainedAdapter{.safetensors = "adapter"};
  };

  const auto outcome = Run(training_);

  ASSERT_TRUE(outcome && outcome->has_trained());
  EXPECT_EQ(outcome->trained().summary().steps(), 7);
  EXPECT_DOUBLE_EQ(outcome->trained().summary().first_loss(), 1);
  EXPECT_THAT(StoredSteps(), ElementsAre(7));
}

}  // namespace
}  // namespace vico::worker
