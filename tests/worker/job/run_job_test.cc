#include "worker/job/run_job.h"

#include <chrono>
#include <limits>
#include <memory>
#include <optional>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/status.h"
#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/worker/job/fake_engine.h"
#include "tests/worker/job/fake_server_link.h"

namespace vico::worker {
namespace {

class RunJobTest : public testing::Test {
 protected:
  RunJobTest() {
    training_.set_job("jobs/1");
    training_.set_lease_id("lease");
    training_.set_attempt(1);
    training_.mutable_spec()->mutable_train()->set_steps(3);
    *training_.add_pictures()->mutable_blob() = link_.Stored("first picture");
    *training_.add_pictures()->mutable_blob() = link_.Stored("second picture");

    generation_.set_job("jobs/2");
    generation_.set_lease_id("lease");
    auto& spec = *generation_.mutable_spec()->mutable_generate();
    spec.set_base_model("baseModels/toyworld");
    spec.set_adapter("adapters/1");
    spec.set_picture_count(2);
    spec.add_seeds(7);
    spec.add_seeds(8);
    auto& adapter = *generation_.mutable_adapter();
    *adapter.mutable_blob() = link_.Stored("adapter file");
    *adapter.mutable_reference() = link_.Stored("reference picture");
  }

  /// Runs with a reporter of its own, and waits until its events have arrived.
  std::optional<v1::FinishRequest> Run(const v1::LeasedJob& job) {
    Reporter::Options options;
    options.timing.shortest_gap = absl::ZeroDuration();
    options.timing.fence = fence_;
    const LeaseKey lease{.job = job.job(), .lease_id = job.lease_id()};
    reporter_ = std::make_unique<Reporter>(link_, clock_, Log::Off(), lease, options);
    JobContext context(link_, *reporter_, clock_, pause_, lease, stop_.get_token());
    auto outcome = RunJob(job, engine_, context, Log::Off());
    reporter_->FlushAndStop();
    return outcome;
  }

  absl::Status FailureOf(const absl::Status& error, bool* retryable) {
    engine_.train = [&](const auto&, const auto&, const auto&) { return error; };
    const auto outcome = Run(training_);
    if (!outcome || !outcome->has_failure()) return absl::OkStatus();
    *retryable = outcome->failure().retryable();
    return FromProto(outcome->failure().status());
  }

  /// Trains step after step, as long as it may; a second a step.
  absl::StatusOr<TrainedAdapter> TrainSteps(const TrainCallbacks& callbacks, int total) {
    for (int step = 1; step <= total; ++step) {
      clock_.Advance(absl::Seconds(1));
      ++steps_;
      if (!callbacks.on_step(
              {.step = step, .total_steps = total, .loss = 1.0 / step, .loss_reg = 0.5})) {
        return TrainedAdapter{.stopped = true};
      }
    }
    return TrainedAdapter{.safetensors = "adapter"};
  }

  /// Has reports sent until one has brought `verdict`.
  void WaitForVerdict(Verdict verdict) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    std::optional<size_t> woken;
    while (reporter_->Poll() != verdict && std::chrono::steady_clock::now() < deadline) {
      if (const size_t seen = link_.CountOf("Report"); seen != woken) {
        v1::Event wake;
        wake.mutable_warning()->set_reason("WAKE");
        reporter_->Add(std::move(wake));
        woken = seen;
      }
      std::this_thread::yield();
    }
    ASSERT_EQ(reporter_->Poll(), verdict);
  }

  FakeClock clock_;
  FakePause pause_{clock_};
  FakeServerLink link_;
  FakeEngine engine_;
  std::stop_source stop_;
  std::unique_ptr<Reporter> reporter_;
  v1::LeasedJob training_;
  v1::LeasedJob generation_;
  absl::Duration fence_ = absl::Seconds(20);
  int steps_ = 0;
};

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
    callbacks.on_sample(1, 9, {.bytes = "sample", .width = 64, .height = 32});
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
  EXPECT_EQ(events[2].sample().picture().seed(), 9u);
  EXPECT_EQ(events[2].sample().picture().width(), 64);
  EXPECT_EQ(events[2].sample().picture().height(), 32);
  EXPECT_EQ(link_.blobs.at(events[2].sample().picture().blob().sha256()), "sample");
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
    callbacks.on_sample(1, 1, {.bytes = "sample"});
    link_.AnswerReportsWith(absl::AbortedError("stale"));
    WaitForVerdict(Verdict::kLost);
    puts_at_loss = link_.CountOf("PutBlob");
    callbacks.on_sample(2, 1, {.bytes = "sample of a zombie"});
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
  fence_ = absl::InfiniteDuration();
  engine_.train = [&](const auto&, const auto&,
                      const TrainCallbacks& callbacks) -> absl::StatusOr<TrainedAdapter> {
    EXPECT_TRUE(callbacks.checkpoints.empty());
    for (int step = 1; step <= 130; ++step) {
      if (step == 121) stop_.request_stop();
      const bool go_on = callbacks.on_step({.step = step, .total_steps = 400, .loss = 1});
      if (callbacks.wants_checkpoint(step, !go_on)) {
        callbacks.on_checkpoint({.step = step, .serialize = [step] {
                                   return absl::StatusOr<std::string>("state " +
                                                                      std::to_string(step));
                                 }});
        // The next is not due while one is being saved: until it is reported.
        const auto reported = [&] {
          const auto events = link_.events();
          return std::count_if(events.begin(), events.end(),
                               [](const v1::Event& event) { return event.has_checkpoint(); });
        };
        while (go_on && reported() * 50 < step) std::this_thread::yield();
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
    callbacks.on_resumed(std::vector<double>(100, 2.0));
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

TEST_F(RunJobTest, ALossThatIsNotFiniteFailsPermanentlyAndNamesTheStep) {
  engine_.train = [&](const auto&, const auto&,
                      const auto& callbacks) -> absl::StatusOr<TrainedAdapter> {
    EXPECT_TRUE(callbacks.on_step({.step = 1, .total_steps = 9, .loss = 0.5}));
    EXPECT_FALSE(callbacks.on_step(
        {.step = 2, .total_steps = 9, .loss = std::numeric_limits<double>::quiet_NaN()}));
    return TrainedAdapter{.stopped = true};
  };

  const auto outcome = Run(training_);

  ASSERT_TRUE(outcome && outcome->has_failure());
  EXPECT_FALSE(outcome->failure().retryable());
  const absl::Status status = FromProto(outcome->failure().status());
  EXPECT_THAT(status, HasReason("DIVERGED"));
  EXPECT_THAT(status,
              HasMessage(testing::AllOf(testing::HasSubstr("step 2"), testing::HasSubstr("0.5"))));
}

TEST_F(RunJobTest, InternalErrorsAreRetryable) {
  bool retryable = false;
  const absl::Status status = FailureOf(absl::InternalError("secret detail"), &retryable);
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInternal));
  EXPECT_THAT(status, HasMessage(testing::Not(testing::HasSubstr("secret detail"))));
  EXPECT_TRUE(retryable);
}

TEST_F(RunJobTest, OutOfMemoryIsRetriedOnceInANewEngine) {
  int tries = 0;
  engine_.train = [&](const auto&, const auto&, const auto&) -> absl::StatusOr<TrainedAdapter> {
    if (++tries == 1) return Error(absl::StatusCode::kResourceExhausted, "memory", "OUT_OF_MEMORY");
    EXPECT_EQ(engine_.restarts, 1);
    return TrainedAdapter{.safetensors = "adapter"};
  };
  const auto outcome = Run(training_);
  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->has_trained());
  EXPECT_EQ(tries, 2);
}

TEST_F(RunJobTest, OutOfMemoryTwiceFailsPermanently) {
  bool retryable = true;
  const absl::Status status = FailureOf(
      Error(absl::StatusCode::kResourceExhausted, "device memory", "OUT_OF_MEMORY"), &retryable);
  EXPECT_THAT(status, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(status, HasReason("OUT_OF_MEMORY"));
  EXPECT_FALSE(retryable);
  EXPECT_EQ(engine_.restarts, 1);
}

TEST_F(RunJobTest, OnlyALostEngineIsACrash) {
  for (const char* reason : {kEngineDied, kEngineHung, "WORKER_ERROR"}) {
    engine_.train = [&](const auto&, const auto&, const auto&) {
      return Error(absl::StatusCode::kUnavailable, "gone", reason);
    };
    const auto outcome = Run(training_);
    ASSERT_TRUE(outcome && outcome->has_failure());
    EXPECT_TRUE(outcome->failure().retryable());
    EXPECT_EQ(outcome->failure().crashed(), std::string_view(reason) != "WORKER_ERROR");
  }
}

TEST_F(RunJobTest, BadInputIsNotRetried) {
  bool retryable = true;
  absl::Status status = FailureOf(absl::InvalidArgumentError("picture 3 is cut short"), &retryable);
  EXPECT_THAT(status, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(status, HasReason("BAD_INPUT"));
  EXPECT_THAT(status, HasMessage("picture 3 is cut short"));
  EXPECT_FALSE(retryable);

  retryable = true;
  status = FailureOf(absl::DataLossError("bytes"), &retryable);
  EXPECT_THAT(status, HasCode(absl::StatusCode::kDataLoss));
  EXPECT_FALSE(retryable);
}

TEST_F(RunJobTest, AMissingConceptPictureFailsPermanently) {
  link_.blobs.clear();

  const auto outcome = Run(training_);

  ASSERT_TRUE(outcome && outcome->has_failure());
  EXPECT_FALSE(outcome->failure().retryable());
  EXPECT_EQ(outcome->failure().status().code(), static_cast<int>(absl::StatusCode::kNotFound));
}

TEST_F(RunJobTest, BlobTransfersAreRetriedWhileTheServerIsUnavailable) {
  link_.get_script = {absl::UnavailableError("away"), absl::UnavailableError("away")};
  link_.put_script = {absl::UnavailableError("away")};

  const auto outcome = Run(training_);

  ASSERT_TRUE(outcome);
  EXPECT_TRUE(outcome->has_trained());
  EXPECT_EQ(link_.CountOf("GetBlob"), 4u);
  EXPECT_EQ(link_.CountOf("PutBlob"), 2u);
}

TEST_F(RunJobTest, ABlobThatTheServerRefusesFailsTheJobRetryably) {
  fence_ = absl::InfiniteDuration();
  for (int i = 0; i < 1000; ++i) link_.put_script.push_back(absl::ResourceExhaustedError("disk"));
  engine_.train = [&](const auto&, const auto&, const auto& callbacks) {
    callbacks.on_sample(1, 1, {.bytes = "sample"});
    return TrainSteps(callbacks, 5);
  };

  const auto outcome = Run(training_);

  ASSERT_TRUE(outcome && outcome->has_failure());
  EXPECT_TRUE(outcome->failure().retryable());
  EXPECT_EQ(outcome->failure().status().code(),
            static_cast<int>(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(steps_, 1);
}

TEST_F(RunJobTest, ABlobBeyondTheTenantsQuotaFailsTheJobForGood) {
  fence_ = absl::InfiniteDuration();
  link_.put_script.push_back(
      Error(absl::StatusCode::kResourceExhausted, "the quota is used up", "QUOTA_EXCEEDED"));
  engine_.train = [&](const auto&, const auto&, const auto& callbacks) {
    callbacks.on_sample(1, 1, {.bytes = "sample"});
    return TrainSteps(callbacks, 5);
  };

  const auto outcome = Run(training_);

  ASSERT_TRUE(outcome && outcome->has_failure());
  EXPECT_FALSE(outcome->failure().retryable());
  EXPECT_THAT(FromProto(outcome->failure().status()), HasReason("QUOTA_EXCEEDED"));
  EXPECT_EQ(link_.CountOf("PutBlob"), 1u);
}

TEST_F(RunJobTest, PicturesAreReportedWhenFinishedAndEndInOrder) {
  engine_.generate = [&](const auto& spec, const auto*,
                         const auto& callbacks) -> absl::StatusOr<bool> {
    EXPECT_EQ(spec.base_model(), "baseModels/toyworld");
    EXPECT_EQ(spec.seeds_size(), 2);
    EXPECT_TRUE(callbacks.on_step(1, 2));
    callbacks.on_preview(1, 1, {.bytes = "preview"});
    callbacks.on_picture(1, {.bytes = "second", .width = 64, .height = 64});
    EXPECT_EQ(link_.CountOf("PutBlob"), 2u);  // at once, not at the end
    callbacks.on_picture(0, {.bytes = "first", .width = 64, .height = 64});
    return true;
  };

  const auto outcome = Run(generation_);

  ASSERT_TRUE(outcome && outcome->has_generated());
  const auto& pictures = outcome->generated().pictures();
  ASSERT_EQ(pictures.size(), 2);
  EXPECT_EQ(pictures[0].index(), 0);
  EXPECT_EQ(pictures[0].seed(), 7u);
  EXPECT_EQ(link_.blobs.at(pictures[0].blob().sha256()), "first");
  EXPECT_EQ(pictures[1].index(), 1);
  EXPECT_EQ(pictures[1].seed(), 8u);
  const auto events = link_.events();
  ASSERT_EQ(events.size(), 4u);
  EXPECT_TRUE(events[0].has_progress());
  EXPECT_EQ(events[1].preview().picture_index(), 1);
  EXPECT_EQ(events[2].picture().index(), 1);
  EXPECT_EQ(events[3].picture().index(), 0);
}

TEST_F(RunJobTest, AnAdapterIsFetchedOnlyOnDemand) {
  Run(generation_);
  EXPECT_EQ(link_.CountOf("GetBlob"), 0u);

  engine_.generate = [](const auto&, const auto* adapter, const auto&) -> absl::StatusOr<bool> {
    const auto bytes = adapter->fetch();
    EXPECT_THAT(bytes, IsOk());
    EXPECT_EQ(bytes->safetensors, "adapter file");
    EXPECT_EQ(bytes->reference, "reference picture");
    return false;
  };
  Run(generation_);
  EXPECT_EQ(link_.CountOf("GetBlob"), 2u);
}

TEST_F(RunJobTest, TheBareBaseModelHasNoAdapter) {
  generation_.mutable_spec()->mutable_generate()->clear_adapter();
  bool bare = false;
  engine_.generate = [&](const auto&, const auto* adapter, const auto&) -> absl::StatusOr<bool> {
    bare = adapter == nullptr;
    return false;
  };

  Run(generation_);

  EXPECT_TRUE(bare);
}

TEST_F(RunJobTest, AMissingPictureIsAnInternalError) {
  engine_.generate = [](const auto&, const auto*, const auto& callbacks) -> absl::StatusOr<bool> {
    callbacks.on_picture(0, {.bytes = "only"});
    return true;
  };

  const auto outcome = Run(generation_);

  ASSERT_TRUE(outcome && outcome->has_failure());
  EXPECT_EQ(outcome->failure().status().code(), static_cast<int>(absl::StatusCode::kInternal));
}

TEST_F(RunJobTest, AnUnknownKindOfJobIsRefused) {
  v1::LeasedJob job;
  job.set_job("jobs/3");

  const auto outcome = Run(job);

  ASSERT_TRUE(outcome && outcome->has_failure());
  EXPECT_FALSE(outcome->failure().retryable());
}

}  // namespace
}  // namespace vico::worker
