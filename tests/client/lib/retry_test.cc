#include "client/lib/retry.h"

#include <chrono>
#include <cstdint>
#include <thread>

#include <absl/time/time.h>
#include <gtest/gtest.h>

#include "common/status.h"

namespace vico::client {
namespace {

using std::chrono::milliseconds;

RetryOptions Waits(int first, int longest) {
  RetryOptions options;
  options.first_wait = milliseconds(first);
  options.longest_wait = milliseconds(longest);
  return options;
}

// Bits whose remainder by any n + 1 that is a power of two is n: the largest wait there is.
RandomBits AllOnes() {
  return [] { return ~std::uint64_t{0}; };
}

TEST(BackoffTest, TheBoundDoublesUpToTheLimit) {
  Backoff backoff(Waits(255, 1023), AllOnes());
  EXPECT_EQ(backoff.Next(), milliseconds(255));  // of 0..255
  EXPECT_EQ(backoff.Next(), milliseconds(~std::uint64_t{0} % 511));
  EXPECT_EQ(backoff.Next(), milliseconds(~std::uint64_t{0} % 1021));
  EXPECT_EQ(backoff.Next(), milliseconds(1023));  // the limit
  EXPECT_EQ(backoff.Next(), milliseconds(1023));
}

TEST(BackoffTest, EveryWaitUpToTheBoundCanCome) {
  std::uint64_t bits = 0;
  Backoff backoff(Waits(3, 3), [&bits] { return bits++; });
  for (const int expected : {0, 1, 2, 3, 0}) EXPECT_EQ(backoff.Next(), milliseconds(expected));
}

TEST(BackoffTest, StartsAnewAfterASuccess) {
  Backoff backoff(Waits(255, 65535), AllOnes());
  backoff.Next();
  backoff.Next();
  backoff.Reset();
  EXPECT_EQ(backoff.Next(), milliseconds(255));
}

TEST(BackoffTest, ManyFailuresDoNotOverflow) {
  Backoff backoff(Waits(1000, 4095), AllOnes());
  for (int i = 0; i < 200; ++i) EXPECT_LE(backoff.Next(), milliseconds(4095));
}

TEST(RetryTest, OnlyWhatMaySucceedLaterIsWorthIt) {
  EXPECT_TRUE(IsWorthRetrying(absl::UnavailableError("")));
  EXPECT_TRUE(IsWorthRetrying(absl::DeadlineExceededError("")));
  EXPECT_TRUE(IsWorthRetrying(absl::CancelledError("")));
  EXPECT_FALSE(IsWorthRetrying(absl::InvalidArgumentError("")));
  EXPECT_FALSE(IsWorthRetrying(absl::AbortedError("")));
  EXPECT_FALSE(IsWorthRetrying(absl::ResourceExhaustedError("")));
  EXPECT_TRUE(
      IsWorthRetrying(WithRetryAfter(absl::ResourceExhaustedError(""), absl::Milliseconds(10))));
}

TEST(RetryTest, AStopEndsTheWait) {
  std::stop_source source;
  const auto start = std::chrono::steady_clock::now();
  std::jthread stopper([&source] { source.request_stop(); });
  EXPECT_FALSE(WaitFor(std::chrono::minutes(5), source.get_token()));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::minutes(1));
}

TEST(RetryTest, SystemBitsDiffer) {
  const RandomBits random = SystemRandomBits();
  EXPECT_NE(random(), random());
}

}  // namespace
}  // namespace vico::client
