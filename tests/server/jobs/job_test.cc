#include "server/jobs/job.h"

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"

namespace vico::server {
namespace {

TEST(JobTest, TheFirstRetryIsImmediateAndLaterOnesSpreadUpToTenMinutes) {
  EXPECT_EQ(RetryDelay(1, 1.0), absl::ZeroDuration());
  EXPECT_EQ(RetryDelay(2, 1.0), absl::Seconds(40));
  EXPECT_EQ(RetryDelay(3, 0.5), absl::Seconds(40));
  EXPECT_EQ(RetryDelay(3, 0.0), absl::ZeroDuration());
  EXPECT_EQ(RetryDelay(30, 1.0), absl::Minutes(10));
}

TEST(JobTest, BlobsOfEventsAndResultsAreFound) {
  const auto digest = [](char c) { return std::string(64, c); };
  v1::Event event;
  event.mutable_mask()->mutable_blob()->set_sha256(digest('1'));
  EXPECT_EQ(BlobsNamedBy(event).at(0).sha256(), digest('1'));
  event.mutable_sample()->mutable_picture()->mutable_blob()->set_sha256(digest('2'));
  EXPECT_EQ(BlobsNamedBy(event).at(0).sha256(), digest('2'));
  event.mutable_preview()->mutable_blob()->set_sha256(digest('3'));
  EXPECT_EQ(BlobsNamedBy(event).at(0).sha256(), digest('3'));
  event.mutable_picture()->mutable_blob()->set_sha256(digest('4'));
  EXPECT_EQ(BlobsNamedBy(event).at(0).sha256(), digest('4'));
  event.mutable_checkpoint()->mutable_blob()->set_sha256(digest('8'));
  EXPECT_EQ(BlobsNamedBy(event).at(0).sha256(), digest('8'));
  event.mutable_checkpoint()->clear_blob();  // as clients see it
  EXPECT_TRUE(BlobsNamedBy(event).empty());
  event.mutable_progress();
  EXPECT_TRUE(BlobsNamedBy(event).empty());

  v1::FinishRequest finish;
  finish.mutable_trained()->mutable_adapter()->set_sha256(digest('5'));
  finish.mutable_trained()->mutable_reference()->set_sha256(digest('6'));
  ASSERT_EQ(BlobsNamedBy(finish).size(), 2u);
  EXPECT_EQ(BlobsNamedBy(finish)[1].sha256(), digest('6'));
  finish.mutable_generated()->add_pictures()->mutable_blob()->set_sha256(digest('7'));
  ASSERT_EQ(BlobsNamedBy(finish).size(), 1u);
  finish.mutable_released();
  EXPECT_TRUE(BlobsNamedBy(finish).empty());
}

}  // namespace
}  // namespace vico::server
