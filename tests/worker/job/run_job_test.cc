#include <limits>

#include "tests/worker/job/run_job_fixture.h"

namespace vico::worker {
namespace {

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
    callbacks.on_sample({.step = 1, .seed = 1, .picture = {.bytes = TinyPng("sample")}});
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
    callbacks.on_sample({.step = 1, .seed = 1, .picture = {.bytes = TinyPng("sample")}});
    return TrainSteps(callbacks, 5);
  };

  const auto outcome = Run(training_);

  ASSERT_TRUE(outcome && outcome->has_failure());
  EXPECT_FALSE(outcome->failure().retryable());
  EXPECT_THAT(FromProto(outcome->failure().status()), HasReason("QUOTA_EXCEEDED"));
  EXPECT_EQ(link_.CountOf("PutBlob"), 1u);
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
