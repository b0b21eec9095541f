#include "client/lib/retry.h"

#include <gtest/gtest.h>

#include "common/status.h"

namespace vico::client {
namespace {

TEST(RetryTest, OnlyErrorsThatMayPassAreRetried) {
  EXPECT_TRUE(IsWorthRetrying(absl::UnavailableError("")));
  EXPECT_TRUE(IsWorthRetrying(absl::DeadlineExceededError("")));
  EXPECT_TRUE(IsWorthRetrying(absl::CancelledError("")));
  EXPECT_FALSE(IsWorthRetrying(absl::InvalidArgumentError("")));
  EXPECT_FALSE(IsWorthRetrying(absl::AbortedError("")));
  EXPECT_FALSE(IsWorthRetrying(absl::ResourceExhaustedError("")));
  EXPECT_TRUE(
      IsWorthRetrying(WithRetryAfter(absl::ResourceExhaustedError(""), absl::Milliseconds(10))));
}

}  // namespace
}  // namespace vico::client
