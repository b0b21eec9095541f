#include "worker/job/retry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/status.h"

namespace vico::worker {
namespace {

TEST(WorkerBackoffTest, WaitsAreBetweenHalfAndAllOfTheBound) {
  Backoff backoff =
      WorkerBackoff(1, {.first = absl::Milliseconds(100), .longest = absl::Milliseconds(400)});

  for (const int bound_ms : {100, 200, 400, 400, 400}) {
    const absl::Duration wait = backoff.Next();
    EXPECT_GE(wait, absl::Milliseconds(bound_ms) / 2);
    EXPECT_LE(wait, absl::Milliseconds(bound_ms));
  }
}

TEST(RetryTest, OnlyErrorsThatMayPassAreTransient) {
  EXPECT_TRUE(IsTransient(absl::UnavailableError("")));
  EXPECT_TRUE(IsTransient(absl::DeadlineExceededError("")));
  EXPECT_TRUE(IsTransient(absl::ResourceExhaustedError("")));
  EXPECT_FALSE(IsTransient(Error(absl::StatusCode::kResourceExhausted, "full", "QUOTA_EXCEEDED")));
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

}  // namespace
}  // namespace vico::worker
