// The engine as one job uses it, while others use it too. tests/worker/lease/several_jobs_test.cc
// has whole jobs.
#include "worker/job/job_engine.h"

#include <future>
#include <memory>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/processes.h"
#include "tests/support/status_matchers.h"
#include "tests/worker/job/fake_engine.h"
#include "tests/worker/job/fake_server_link.h"

namespace vico::worker {
namespace {

using Length = EngineUse::Length;

class JobEngineTest : public testing::Test {
 protected:
  JobEngineTest()
      : reporter_(link_, clock_, Log::Off(), {.job = "jobs/1", .lease_id = "lease"},
                  {.timing = {.fence = absl::InfiniteDuration()}, .on_hang = {}}),
        context_(link_, reporter_, clock_, pause_, {.job = "jobs/1", .lease_id = "lease"},
                 stop_.get_token()) {}

  std::unique_ptr<JobEngine> EngineOf(Length length) {
    return std::make_unique<JobEngine>(engine_, use_, length, context_, Log::Off());
  }

  absl::StatusOr<bool> Draw(JobEngine& engine) {
    GenerateCallbacks callbacks;
    callbacks.on_picture = [](int, const PngPicture&) {};
    return engine.Generate(v1::GenerateSpec(), GenerationInputs(), callbacks);
  }

  /// Whether others may enter after each of three checkpoints of a training.
  std::vector<bool> OpenAfterCheckpoints(JobEngine& engine) {
    std::vector<bool> open;
    engine_.train = [&](const auto&, const auto&, const TrainCallbacks& callbacks) {
      for (int step = 1; step <= 3; ++step) {
        callbacks.on_checkpoint({.step = step, .serialize = {}});
        open.push_back(use_.HasRoomFor(Length::kShort));
      }
      return TrainedAdapter{.safetensors = "adapter"};
    };
    TrainCallbacks callbacks;
    callbacks.on_checkpoint = [](const TrainCheckpoint&) {};
    EXPECT_THAT(engine.Train(v1::TrainSpec(), {}, callbacks), IsOk());
    return open;
  }

  FakeClock clock_;
  FakePause pause_{clock_};
  FakeServerLink link_;
  FakeEngine engine_;
  EngineUse use_{engine_};
  std::stop_source stop_;
  Reporter reporter_;
  JobContext context_;
};

TEST_F(JobEngineTest, OthersMayEnterDuringACall) {
  const auto engine = EngineOf(Length::kLong);
  EXPECT_THAT(OpenAfterCheckpoints(*engine), testing::ElementsAre(true, true, true));
}

TEST_F(JobEngineTest, AfterALossATrainingIsAloneUntilACheckpointIsStored) {
  const auto engine = EngineOf(Length::kLong);
  ASSERT_THAT(engine->Ready(), IsOk());
  EXPECT_THAT(OpenAfterCheckpoints(*engine), testing::ElementsAre(false, true, true));
}

TEST_F(JobEngineTest, AfterARestartForMemoryATrainingStaysAlone) {
  const auto engine = EngineOf(Length::kLong);
  ASSERT_THAT(engine->Restart(), IsOk());
  EXPECT_EQ(engine_.restarts, 1);
  EXPECT_THAT(OpenAfterCheckpoints(*engine), testing::ElementsAre(false, false, false));
  EXPECT_TRUE(use_.HasRoomFor(Length::kShort)) << "after the call";
}

TEST_F(JobEngineTest, AJobThatIsDoneLetsOthersIn) {
  auto engine = EngineOf(Length::kShort);
  ASSERT_THAT(engine->Ready(), IsOk());
  EXPECT_FALSE(use_.HasRoomFor(Length::kLong));
  engine.reset();
  EXPECT_TRUE(use_.HasRoomFor(Length::kLong));
}

TEST_F(JobEngineTest, AJobDoesNotWaitForeverForAnotherThatIsAlone) {
  EngineUse::User other;
  ASSERT_THAT(use_.BeAlone(other, [] { return true; }), IsOk());
  const auto engine = EngineOf(Length::kShort);
  auto drawn = std::async(std::launch::async, [&] { return Draw(*engine); });
  EXPECT_EQ(drawn.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  clock_.Advance(absl::Minutes(6));
  EXPECT_THAT(drawn.get(), HasCode(absl::StatusCode::kCancelled));
}

TEST_F(JobEngineTest, AStopEndsTheWaitForTheEngine) {
  EngineUse::User other;
  ASSERT_THAT(use_.BeAlone(other, [] { return true; }), IsOk());
  const auto engine = EngineOf(Length::kShort);
  auto drawn = std::async(std::launch::async, [&] { return Draw(*engine); });
  stop_.request_stop();
  EXPECT_THAT(drawn.get(), HasCode(absl::StatusCode::kCancelled));
}

TEST_F(JobEngineTest, AJobIsNotChargedForAnEngineThatDoesNotStart) {
  engine_.ready = absl::FailedPreconditionError("the base models have changed on disk");
  EXPECT_THAT(Draw(*EngineOf(Length::kShort)), HasCode(absl::StatusCode::kCancelled));
}

TEST_F(JobEngineTest, AShortJobThatWaitsToBeAloneComesBeforeALongOne) {
  EngineUse::User running;
  EngineUse::User training{.length = Length::kLong};
  EngineUse::User generation;
  const auto keep_waiting = [] { return true; };
  for (EngineUse::User* user : {&running, &training, &generation}) {
    ASSERT_THAT(use_.Enter(*user, keep_waiting), IsOk());
  }
  use_.Leave(training, /*lost=*/true);
  auto trains =
      std::async(std::launch::async, [&] { return use_.BeAlone(training, keep_waiting); });
  use_.Leave(generation, /*lost=*/true);
  use_.Leave(running, /*lost=*/false);
  EXPECT_TRUE(generation.lost_with_others);
  EXPECT_TRUE(training.lost_with_others);

  ASSERT_THAT(use_.BeAlone(generation, keep_waiting), IsOk());
  EXPECT_EQ(trains.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout);
  use_.Leave(generation, /*lost=*/false);
  EXPECT_THAT(trains.get(), IsOk());
  EXPECT_TRUE(use_.IsAlone(training));
  use_.Withdraw(training);
}

}  // namespace
}  // namespace vico::worker
