#include "common/backoff.h"

#include <random>
#include <thread>

#include <absl/time/clock.h>
#include <gtest/gtest.h>

namespace vico {
namespace {

constexpr BackoffOptions kOptions = {.first = absl::Milliseconds(100),
                                     .longest = absl::Milliseconds(400)};

RandomSource AllOnes() {
  return [] { return ~uint64_t{0}; };
}

RandomSource Zeros() {
  return [] { return uint64_t{0}; };
}

TEST(BackoffTest, TheBoundDoublesUpToTheLimit) {
  Backoff backoff(kOptions, AllOnes());
  for (const int bound_ms : {100, 200, 400, 400, 400}) {
    EXPECT_EQ(backoff.Next(), absl::Milliseconds(bound_ms));
  }
}

TEST(BackoffTest, AWaitCanBeZero) {
  Backoff backoff(kOptions, Zeros());
  EXPECT_EQ(backoff.Next(), absl::ZeroDuration());
}

TEST(BackoffTest, NoWaitIsShorterThanTheLeastShare) {
  BackoffOptions options = kOptions;
  options.least_share = 0.5;
  Backoff backoff(options, Zeros());
  EXPECT_EQ(backoff.Next(), absl::Milliseconds(50));
  EXPECT_EQ(backoff.Next(), absl::Milliseconds(100));
}

TEST(BackoffTest, ResetStartsWithTheFirstBound) {
  Backoff backoff(kOptions, AllOnes());
  for (int i = 0; i < 5; ++i) backoff.Next();
  backoff.Reset();
  EXPECT_EQ(backoff.Next(), absl::Milliseconds(100));
}

TEST(BackoffTest, ManyFailuresDoNotOverflow) {
  Backoff backoff(kOptions, AllOnes());
  for (int i = 0; i < 200; ++i) EXPECT_LE(backoff.Next(), absl::Milliseconds(400));
}

TEST(BackoffTest, DifferentSeedsGiveDifferentWaits) {
  Backoff one({}, std::mt19937_64(1));
  Backoff other({}, std::mt19937_64(2));
  EXPECT_NE(one.Next(), other.Next());
}

TEST(WaitForTest, AStopRequestEndsTheWait) {
  std::stop_source source;
  const absl::Time start = absl::Now();
  std::jthread stopper([&source] { source.request_stop(); });
  EXPECT_FALSE(WaitFor(absl::Minutes(5), source.get_token()));
  EXPECT_LT(absl::Now() - start, absl::Minutes(1));
}

TEST(WaitForTest, ReturnsTrueWhenTheTimeHasPassed) {
  EXPECT_TRUE(WaitFor(absl::Milliseconds(1), {}));
}

}  // namespace
}  // namespace vico
