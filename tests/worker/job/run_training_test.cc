#include "tests/worker/job/run_job_fixture.h"

namespace vico::worker {
namespace {

TEST_F(RunJobTest, ATrainingGetsItsPicturesAndUploadsAnAdapter) {
  std::vector<std::string> seen;
  engine_.train = [&](const auto& spec, const auto& pictures, const auto& callbacks) {
    seen = pictures;
    return TrainSteps(callbacks, spec.steps());
  };

  const auto outcome = Run(training_);

  EXPECT_THAT(seen, testing::ElementsAre("first picture", "second picture"));
  ASSERT_TRUE(outcome && outcome->has_trained());
  EXPECT_EQ(outcome->job(), "jobs/1");
  EXPECT_EQ(outcome->lease_id(), "lease");
  EXPECT_EQ(link_.blobs.at(outcome->trained().adapter().sha256()), "adapter");
}

TEST_F(RunJobTest, TheReferenceIsTheFirstPictureAndIsNotUploaded) {
  const auto outcome = Run(training_);

  ASSERT_TRUE(outcome && outcome->has_trained());
  EXPECT_EQ(outcome->trained().reference().sha256(), training_.pictures(0).blob().sha256());
  EXPECT_EQ(outcome->trained().reference().size_bytes(), training_.pictures(0).blob().size_bytes());
  EXPECT_EQ(link_.CountOf("PutBlob"), 1u);  // the adapter's
}

TEST_F(RunJobTest, ATrainingsSummaryIsComputed) {
  fence_ = absl::InfiniteDuration();
  engine_.train = [&](const auto&, const auto&, const auto& callbacks) {
    auto trained = TrainSteps(callbacks, 100);
    trained->peak_rss_mb = 12.5;
    callbacks.on_mask({.step = 50, .picture_index = 0, .png = "m0", .coverage = 0.9});
    callbacks.on_mask({.step = 100, .picture_index = 0, .png = "m1", .coverage = 0.2});
    callbacks.on_mask({.step = 100, .picture_index = 1, .png = "m2", .coverage = 0.4});
    return trained;
  };

  const auto outcome = Run(training_);

  ASSERT_TRUE(outcome && outcome->has_trained());
  const auto& summary = outcome->trained().summary();
  double first = 0;
  double last = 0;
  for (int step = 1; step <= 40; ++step) first += 1.0 / step / 40;
  for (int step = 61; step <= 100; ++step) last += 1.0 / step / 40;
  EXPECT_EQ(summary.steps(), 100);
  EXPECT_NEAR(summary.first_loss(), first, 1e-12);
  EXPECT_NEAR(summary.last_loss(), last, 1e-12);
  EXPECT_DOUBLE_EQ(summary.seconds_per_step(), 1.0);
  EXPECT_DOUBLE_EQ(summary.train_seconds(), 100.0);
  EXPECT_NEAR(summary.mask_coverage(), 0.3, 1e-12);
  EXPECT_EQ(summary.peak_rss_mb(), 12.5);
}

TEST_F(RunJobTest, AShortTrainingsSummaryCoversAllItsSteps) {
  engine_.train = [&](const auto&, const auto&, const auto& callbacks) {
    return TrainSteps(callbacks, 2);
  };

  const auto outcome = Run(training_);

  ASSERT_TRUE(outcome && outcome->has_trained());
  EXPECT_DOUBLE_EQ(outcome->trained().summary().first_loss(), 0.75);
  EXPECT_DOUBLE_EQ(outcome->trained().summary().last_loss(), 0.75);
}

TEST_F(RunJobTest, ProgressEstimatesTheTimeLeft) {
  fence_ = absl::InfiniteDuration();
  engine_.train = [&](const auto&, const auto&,
                      const auto& callbacks) -> absl::StatusOr<TrainedAdapter> {
    clock_.Advance(absl::Seconds(2));
    callbacks.on_step({.step = 1, .total_steps = 11, .loss = 0.25, .loss_reg = 0.125});
    callbacks.on_warning("BARRIER", "so that the next progress does not replace this one");
    clock_.Advance(absl::Seconds(60));  // drawing a sample
    callbacks.on_sample({.step = 1,
                         .prompt_index = 3,
                         .seed = 9,
                         .picture = {.bytes = TinyPng("sample"), .width = 64, .height = 32}});
    clock_.Advance(absl::Seconds(2));
    callbacks.on_step({.step = 2, .total_steps = 11, .loss = 0.25, .loss_reg = 0.125});
    return TrainedAdapter();
  };

  Run(training_);

  const auto events = link_.events();
  ASSERT_EQ(events.size(), 4u);
  const auto& progress = events[0].progress();
  EXPECT_EQ(progress.step(), 1);
  EXPECT_EQ(progress.total_steps(), 11);
  EXPECT_EQ(progress.loss(), 0.25);
  EXPECT_EQ(progress.loss_reg(), 0.125);
  EXPECT_DOUBLE_EQ(progress.seconds_per_step(), 2.0);
  EXPECT_EQ(progress.eta().seconds(), 20);
  EXPECT_EQ(events[1].warning().reason(), "BARRIER");
  EXPECT_EQ(events[2].sample().step(), 1);
  EXPECT_EQ(events[2].sample().picture().index(), 3);
  EXPECT_EQ(events[2].sample().picture().seed(), 9u);
  EXPECT_EQ(events[2].sample().picture().width(), 64);
  EXPECT_EQ(events[2].sample().picture().height(), 32);
  const std::string& sample = link_.blobs.at(events[2].sample().picture().blob().sha256());
  EXPECT_EQ(NoteOf(sample), "sample");
  EXPECT_THAT(TextIn(sample, "vico"), testing::HasSubstr(R"("step":1,"index":3,"seed":"9")"));
  EXPECT_DOUBLE_EQ(events[3].progress().seconds_per_step(), 2.0);
}

TEST_F(RunJobTest, AMaskIsReportedWithItsCoverage) {
  engine_.train = [&](const auto&, const auto&,
                      const auto& callbacks) -> absl::StatusOr<TrainedAdapter> {
    callbacks.on_mask(
        {.step = 3, .picture_index = 1, .png = "mask", .coverage = 0.25, .site = "up_3"});
    return TrainedAdapter();
  };

  Run(training_);

  ASSERT_EQ(link_.events().size(), 1u);
  const auto mask = link_.events()[0].mask();
  EXPECT_EQ(mask.step(), 3);
  EXPECT_EQ(mask.picture_index(), 1);
  EXPECT_EQ(mask.coverage(), 0.25);
  EXPECT_EQ(mask.site(), "up_3");
  EXPECT_EQ(link_.blobs.at(mask.blob().sha256()), "mask");
}

TEST_F(RunJobTest, ACancelStopsTheTrainingWithinOneStep) {
  fence_ = absl::InfiniteDuration();
  int steps_at_cancel = 0;
  engine_.train = [&](const auto&, const auto&, const auto& callbacks) {
    TrainSteps(callbacks, 2).IgnoreError();
    link_.AnswerReportsWith(AnswerWith(v1::DIRECTIVE_CANCEL));
    WaitForVerdict(Verdict::kCancel);
    steps_at_cancel = steps_;
    return TrainSteps(callbacks, 100);
  };

  const auto outcome = Run(training_);

  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->has_cancelled());
  EXPECT_EQ(steps_, steps_at_cancel + 1);
}

TEST_F(RunJobTest, AFinishEndsTheTrainingWithItsAdapter) {
  fence_ = absl::InfiniteDuration();
  int steps_at_finish = 0;
  engine_.train = [&](const auto&, const auto&,
                      const TrainCallbacks& callbacks) -> absl::StatusOr<TrainedAdapter> {
    EXPECT_TRUE(callbacks.on_step({.step = 1, .total_steps = 100, .loss = 1}));
    EXPECT_FALSE(callbacks.finishes_early());
    link_.AnswerReportsWith(AnswerWith(v1::DIRECTIVE_FINISH));
    WaitForVerdict(Verdict::kFinish);
    EXPECT_TRUE(callbacks.on_step({.step = 2, .total_steps = 100, .loss = 0.5}));
    EXPECT_TRUE(callbacks.finishes_early());
    steps_at_finish = 2;
    EXPECT_TRUE(callbacks.keep_going()) << "the last sample is drawn";
    callbacks.on_sample({.step = 2, .seed = 7, .picture = {.bytes = TinyPng("last sample")}});
    EXPECT_TRUE(callbacks.wants_checkpoint(2, false)) << "the last one";
    return TrainedAdapter{.safetensors = "adapter so far"};
  };

  const auto outcome = Run(training_);

  ASSERT_TRUE(outcome && outcome->has_trained());
  EXPECT_EQ(link_.blobs.at(outcome->trained().adapter().sha256()), "adapter so far");
  EXPECT_EQ(outcome->trained().summary().steps(), steps_at_finish);
}

TEST_F(RunJobTest, ATransientErrorDuringAFinishIsRetried) {
  fence_ = absl::InfiniteDuration();
  engine_.train = [&](const auto&, const auto&, const auto&) -> absl::StatusOr<TrainedAdapter> {
    link_.AnswerReportsWith(AnswerWith(v1::DIRECTIVE_FINISH));
    WaitForVerdict(Verdict::kFinish);
    link_.put_script = {absl::UnavailableError("away")};
    return TrainedAdapter{.safetensors = "adapter so far"};
  };

  const auto outcome = Run(training_);

  ASSERT_TRUE(outcome && outcome->has_trained());
  EXPECT_EQ(link_.CountOf("PutBlob"), 2u);
}

TEST_F(RunJobTest, ACancelDuringTheLastStepWins) {
  link_.AnswerReportsWith(AnswerWith(v1::DIRECTIVE_CANCEL));
  engine_.train = [&](const auto&, const auto&, const auto&) -> absl::StatusOr<TrainedAdapter> {
    WaitForVerdict(Verdict::kCancel);
    return TrainedAdapter{.safetensors = "adapter"};
  };

  const auto outcome = Run(training_);

  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->has_cancelled());
}

TEST_F(RunJobTest, ALostLeaseEndsTheJobWithoutFurtherWrites) {
  size_t puts_at_loss = 0;
  engine_.train = [&](const auto&, const auto&, const auto& callbacks) {
    callbacks.on_sample({.step = 1, .seed = 1, .picture = {.bytes = TinyPng("sample")}});
    link_.AnswerReportsWith(absl::AbortedError("stale"));
    WaitForVerdict(Verdict::kLost);
    puts_at_loss = link_.CountOf("PutBlob");
    callbacks.on_sample(
        {.step = 2, .seed = 1, .picture = {.bytes = TinyPng("sample of a zombie")}});
    return TrainSteps(callbacks, 100);
  };

  EXPECT_EQ(Run(training_), std::nullopt);

  EXPECT_EQ(steps_, 1);
  EXPECT_EQ(puts_at_loss, 1u);
  EXPECT_EQ(link_.CountOf("PutBlob"), 1u);
}

TEST_F(RunJobTest, ALeaseLostAfterTheLastStepUploadsNoAdapter) {
  engine_.train = [&](const auto&, const auto&, const auto&) -> absl::StatusOr<TrainedAdapter> {
    link_.AnswerReportsWith(absl::UnavailableError("away"));
    clock_.Advance(absl::Seconds(60));
    return TrainedAdapter{.safetensors = "adapter"};
  };

  EXPECT_EQ(Run(training_), std::nullopt);
  EXPECT_EQ(link_.CountOf("PutBlob"), 0u);
}

TEST_F(RunJobTest, AStopOfTheWorkerReleasesTheJob) {
  fence_ = absl::InfiniteDuration();
  engine_.train = [&](const auto&, const auto&, const auto& callbacks) {
    TrainSteps(callbacks, 2).IgnoreError();
    stop_.request_stop();
    return TrainSteps(callbacks, 100);
  };

  const auto outcome = Run(training_);

  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->has_released());
  EXPECT_EQ(steps_, 3);
}

TEST_F(RunJobTest, CheckpointsAreStoredDuringTheTrainingAndWhenTheWorkerStops) {
  training_.mutable_spec()->mutable_train()->set_steps(400);
  fence_ = absl::InfiniteDuration();
  engine_.train = [&](const auto&, const auto&,
                      const TrainCallbacks& callbacks) -> absl::StatusOr<TrainedAdapter> {
    EXPECT_TRUE(callbacks.checkpoints.empty());
    for (int step = 1; step <= 130; ++step) {
      if (step == 121) stop_.request_stop();
      const bool go_on = callbacks.on_step({.step = step, .total_steps = 400, .loss = 1});
      bool due = callbacks.wants_checkpoint(step, !go_on);
      // None is due while one is being saved.
      while (go_on && step % 50 == 0 && !due) {
        std::this_thread::yield();
        due = callbacks.wants_checkpoint(step, false);
      }
      if (due) {
        callbacks.on_checkpoint({.step = step, .serialize = [step] {
                                   return absl::StatusOr<std::string>("state " +
                                                                      std::to_string(step));
                                 }});
      }
      if (!go_on) return TrainedAdapter{.stopped = true};
    }
    return absl::InternalError("was not stopped");
  };

  const auto outcome = Run(training_);

  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->has_released());
  std::vector<std::pair<int64_t, std::string>> kept;
  for (const v1::Event& event : link_.events()) {
    if (event.has_checkpoint()) {
      kept.emplace_back(event.checkpoint().step(),
                        link_.blobs.at(event.checkpoint().blob().sha256()));
    }
  }
  using testing::Pair;
  EXPECT_THAT(kept, testing::ElementsAre(Pair(50, "state 50"), Pair(100, "state 100"),
                                         Pair(121, "state 121")));
}

TEST_F(RunJobTest, ATrainingResumesFromItsCheckpoints) {
  for (const int64_t step : {100, 50}) {
    auto& kept = *training_.mutable_checkpoints()->add_newest_first();
    kept.set_step(step);
    *kept.mutable_blob() = link_.Stored("state " + std::to_string(step));
  }
  engine_.train = [&](const auto&, const auto&,
                      const TrainCallbacks& callbacks) -> absl::StatusOr<TrainedAdapter> {
    EXPECT_EQ(callbacks.checkpoints.size(), 2u);
    EXPECT_EQ(callbacks.checkpoints[0].step, 100);
    EXPECT_EQ(*callbacks.checkpoints[0].fetch(), "state 100");
    EXPECT_EQ(*callbacks.checkpoints[1].fetch(), "state 50");
    callbacks.on_resumed(100, std::vector<double>(100, 2.0));
    callbacks.on_step({.step = 101, .total_steps = 101, .loss = 1});
    EXPECT_FALSE(callbacks.wants_checkpoint(101, false));
    return TrainedAdapter{.safetensors = "adapter"};
  };

  const auto outcome = Run(training_);

  ASSERT_TRUE(outcome && outcome->has_trained());
  EXPECT_EQ(outcome->trained().summary().steps(), 101);
  EXPECT_DOUBLE_EQ(outcome->trained().summary().first_loss(), 2);
}

TEST_F(RunJobTest, ACheckpointThatCannotBeStoredDoesNotFailTheTraining) {
  link_.put_script = {absl::UnavailableError("away"), absl::UnavailableError("away"),
                      absl::UnavailableError("away")};
  engine_.train = [&](const auto&, const auto&,
                      const TrainCallbacks& callbacks) -> absl::StatusOr<TrainedAdapter> {
    EXPECT_TRUE(callbacks.wants_checkpoint(50, false));
    callbacks.on_checkpoint(
        {.step = 50, .serialize = [] { return absl::StatusOr<std::string>("state"); }});
    while (link_.CountOf("PutBlob") < 3) std::this_thread::yield();
    return TrainedAdapter{.safetensors = "adapter"};
  };

  const auto outcome = Run(training_);

  ASSERT_TRUE(outcome && outcome->has_trained());
  for (const v1::Event& event : link_.events()) EXPECT_FALSE(event.has_checkpoint());
}

TEST_F(RunJobTest, AStopAfterTheLastStepKeepsTheResult) {
  engine_.train = [&](const auto&, const auto&, const auto&) -> absl::StatusOr<TrainedAdapter> {
    stop_.request_stop();
    return TrainedAdapter{.safetensors = "adapter"};
  };

  const auto outcome = Run(training_);

  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->has_trained());
}

}  // namespace
}  // namespace vico::worker
