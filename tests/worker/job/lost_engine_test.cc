// A training whose engine dies or hangs goes on under the same lease.
#include <set>

#include "tests/worker/job/run_job_fixture.h"

namespace vico::worker {
namespace {

absl::Status Died() {
  return Error(absl::StatusCode::kUnavailable, "the engine died: signal 9", kEngineDied);
}

class LostEngineTest : public RunJobTest {
 protected:
  LostEngineTest() {
    fence_ = absl::InfiniteDuration();
    training_.mutable_spec()->mutable_train()->set_steps(120);
  }

  /// One engine: resumes from the newest checkpoint or starts at step 1, and ends after `last`.
  void TrainTo(int64_t last, const TrainCallbacks& callbacks) {
    int64_t step = 0;
    if (!callbacks.checkpoints.empty()) {
      step = callbacks.checkpoints.front().step;
      const auto state = callbacks.checkpoints.front().fetch();
      ASSERT_THAT(state, IsOk());
      EXPECT_EQ(*state, "state " + std::to_string(step));
      callbacks.on_resumed(step, std::vector<double>(static_cast<size_t>(step), 1.0));
    }
    starts_.push_back(step);
    while (++step <= last) {
      clock_.Advance(absl::Seconds(1));
      ASSERT_TRUE(callbacks.on_step({.step = step, .total_steps = 120, .loss = 1}));
      if (step % 40 == 0) {
        callbacks.on_sample({.step = step,
                             .seed = 7,
                             .picture = {.bytes = TinyPng("sample " + std::to_string(step))}});
        callbacks.on_mask({.step = step, .picture_index = 0, .png = "mask"});
      }
      if (callbacks.wants_checkpoint(step, false)) Save(step, callbacks);
    }
  }

  void Save(int64_t step, const TrainCallbacks& callbacks) {
    callbacks.on_checkpoint({.step = step, .serialize = [step] {
                               return absl::StatusOr<std::string>("state " + std::to_string(step));
                             }});
    while (!IsReported(step)) std::this_thread::yield();
  }

  bool IsReported(int64_t step) {
    const auto events = link_.events();
    return std::any_of(events.begin(), events.end(),
                       [&](const v1::Event& event) { return event.checkpoint().step() == step; });
  }

  std::vector<std::string> Warnings() {
    std::vector<std::string> warnings;
    for (const v1::Event& event : link_.events()) {
      if (event.has_warning()) warnings.push_back(event.warning().message());
    }
    return warnings;
  }

  std::vector<int64_t> starts_;  // the step that each engine started after
};

TEST_F(LostEngineTest, ANewEngineContinuesFromTheCheckpointAndNothingIsReportedTwice) {
  engine_.train = [&](const auto&, const auto& pictures,
                      const TrainCallbacks& callbacks) -> absl::StatusOr<TrainedAdapter> {
    EXPECT_EQ(pictures.size(), 2u);
    callbacks.on_warning("SAMPLES_SKIPPED", "each engine says this");
    TrainTo(starts_.empty() ? 90 : 120, callbacks);
    if (starts_.size() == 1) return Died();
    return TrainedAdapter{.safetensors = "adapter"};
  };

  const auto outcome = Run(training_);

  ASSERT_TRUE(outcome && outcome->has_trained());
  EXPECT_THAT(starts_, testing::ElementsAre(0, 50));
  EXPECT_EQ(outcome->trained().summary().steps(), 120);
  EXPECT_THAT(Warnings(),
              testing::ElementsAre("each engine says this",
                                   "the engine died: signal 9; the training continues in a new "
                                   "one after step 50"));
  int64_t last = 0;
  std::vector<int64_t> samples;
  std::vector<int64_t> masks;
  for (const v1::Event& event : link_.events()) {
    if (event.has_progress()) {
      EXPECT_GT(event.progress().step(), last) << "progress counts once";
      last = event.progress().step();
    }
    if (event.has_sample()) samples.push_back(event.sample().step());
    if (event.has_mask()) masks.push_back(event.mask().step());
  }
  EXPECT_EQ(last, 120);
  EXPECT_THAT(samples, testing::ElementsAre(40, 80, 120));
  EXPECT_THAT(masks, testing::ElementsAre(40, 80, 120));
}

TEST_F(LostEngineTest, WithoutACheckpointItStartsFromTheBeginningOnce) {
  engine_.train = [&](const auto&, const auto&,
                      const TrainCallbacks& callbacks) -> absl::StatusOr<TrainedAdapter> {
    TrainTo(10, callbacks);
    return Died();
  };

  const auto outcome = Run(training_);

  EXPECT_THAT(starts_, testing::ElementsAre(0, 0));
  ASSERT_TRUE(outcome && outcome->has_failure()) << "it never comes further: another worker tries";
  EXPECT_TRUE(outcome->failure().crashed());
  EXPECT_TRUE(outcome->failure().retryable());
}

TEST_F(LostEngineTest, AnEngineMayBeLostAgainAfterANewerCheckpoint) {
  auto& earlier = *training_.mutable_checkpoints()->add_newest_first();
  earlier.set_step(20);
  *earlier.mutable_blob() = link_.Stored("state 20");
  engine_.train = [&](const auto&, const auto&,
                      const TrainCallbacks& callbacks) -> absl::StatusOr<TrainedAdapter> {
    const std::vector<int64_t> ends = {30, 75, 100, 120};
    TrainTo(ends.at(starts_.size()), callbacks);
    if (starts_.size() < 4) return Died();
    return TrainedAdapter{.safetensors = "adapter"};
  };

  const auto outcome = Run(training_);

  EXPECT_THAT(starts_, testing::ElementsAre(20, 20, 70))
      << "the third engine stored nothing newer than the second";
  ASSERT_TRUE(outcome && outcome->has_failure());
  EXPECT_TRUE(outcome->failure().crashed());
}

TEST_F(LostEngineTest, AHungEngineIsReplacedToo) {
  engine_.train = [&](const auto&, const auto&,
                      const TrainCallbacks& callbacks) -> absl::StatusOr<TrainedAdapter> {
    TrainTo(starts_.empty() ? 60 : 120, callbacks);
    if (starts_.size() == 1) {
      return Error(absl::StatusCode::kUnavailable, "the engine sent nothing for 120 s",
                   kEngineHung);
    }
    return TrainedAdapter{.safetensors = "adapter"};
  };

  const auto outcome = Run(training_);

  ASSERT_TRUE(outcome && outcome->has_trained());
  EXPECT_THAT(starts_, testing::ElementsAre(0, 50));
}

TEST_F(LostEngineTest, ACancelledTrainingIsNotRepeated) {
  engine_.train = [&](const auto&, const auto&,
                      const TrainCallbacks& callbacks) -> absl::StatusOr<TrainedAdapter> {
    TrainTo(60, callbacks);
    link_.AnswerReportsWith(AnswerWith(v1::DIRECTIVE_CANCEL));
    WaitForVerdict(Verdict::kCancel);
    return Died();
  };

  const auto outcome = Run(training_);

  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->has_cancelled());
  EXPECT_EQ(starts_.size(), 1u);
}

TEST_F(LostEngineTest, AnEngineThatDoesNotStartEndsTheAttempt) {
  engine_.train = [&](const auto&, const auto&, const TrainCallbacks& callbacks) {
    TrainTo(60, callbacks);
    engine_.ready = absl::FailedPreconditionError("the base models have changed on disk");
    return absl::StatusOr<TrainedAdapter>(Died());
  };

  const auto outcome = Run(training_);

  ASSERT_TRUE(outcome && outcome->has_failure());
  EXPECT_TRUE(outcome->failure().crashed());
  EXPECT_EQ(starts_.size(), 1u);
}

}  // namespace
}  // namespace vico::worker
