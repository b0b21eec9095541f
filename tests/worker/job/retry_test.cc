#include "worker/job/retry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vico::worker {
namespace {

TEST(BackOffTest, WaitsDoubleUpToTheLongest) {
  BackOff back_off({.first = absl::Milliseconds(100), .longest = absl::Milliseconds(400)}, 1);

  for (const int nominal_ms : {100, 200, 400, 400, 400}) {
    const absl::Duration wait = back_off.Next();
    EXPECT_GE(wait, absl::Milliseconds(nominal_ms) / 2);
    EXPECT_LE(wait, absl::Milliseconds(nominal_ms));
  }
}

TEST(BackOffTest, ResetBeginsAnew) {
  BackOff back_off({.first = absl::Milliseconds(100), .longest = absl::Seconds(10)}, 1);
  for (int i = 0; i < 5; ++i) back_off.Next();
  back_off.Reset();

  EXPECT_LE(back_off.Next(), absl::Milliseconds(100));
}

TEST(BackOffTest, WorkersSpreadOut) {
  BackOff one({}, 1);
  BackOff other({}, 2);

  EXPECT_NE(one.Next(), other.Next());
}

TEST(RetryTest, OnlyAnswersThatMayChangeAreTransient) {
  EXPECT_TRUE(IsTransient(absl::UnavailableError("")));
  EXPECT_TRUE(IsTransient(absl::DeadlineExceededError("")));
  EXPECT_TRUE(IsTransient(absl::ResourceExhaustedError("")));
  EXPECT_FALSE(IsTransient(absl::OkStatus()));
  EXPECT_FALSE(IsTransient(absl::AbortedError("")));
  EXPECT_FALSE(IsTransient(absl::NotFoundError("")));
  EXPECT_FALSE(IsTransient(absl::DataLossError("")));
  EXPECT_FALSE(IsTransient(absl::InvalidArgumentError("")));
}

TEST(SystemPauseTest, AStopRequestEndsTheWait) {
  SystemPause pause;
  std::stop_source stop;
  stop.request_stop();

  EXPECT_FALSE(pause.For(absl::Hours(1), stop.get_token()));
}

TEST(SystemPauseTest, AWaitThatIsOverSaysSo) {
  SystemPause pause;

  EXPECT_TRUE(pause.For(absl::Milliseconds(1), {}));
}

}  // namespace
}  // namespace vico::worker
