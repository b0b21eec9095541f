#include "worker/lease/finish_job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/fake_clock.h"
#include "tests/support/status_matchers.h"
#include "tests/worker/job/fake_engine.h"
#include "tests/worker/job/fake_server_link.h"

namespace vico::worker {
namespace {

class FinishJobTest : public testing::Test {
 protected:
  absl::Status Finish(const v1::FinishRequest& outcome) {
    return FinishJob(outcome, {.link = link_, .clock = clock_, .pause = pause_});
  }

  static v1::FinishRequest Generated() {
    v1::FinishRequest outcome;
    outcome.set_job("jobs/1");
    outcome.set_lease_id("lease");
    outcome.mutable_generated();
    return outcome;
  }

  FakeClock clock_;
  FakePause pause_{clock_};
  FakeServerLink link_;
};

TEST_F(FinishJobTest, IsRepeatedUnchangedWhileTheServerIsUnavailable) {
  link_.finish_script = {absl::UnavailableError("away"), absl::DeadlineExceededError("slow")};

  EXPECT_THAT(Finish(Generated()), IsOk());

  ASSERT_EQ(link_.finishes().size(), 3u);
  for (const auto& request : link_.finishes()) {
    EXPECT_EQ(request.SerializeAsString(), Generated().SerializeAsString());
  }
  EXPECT_EQ(pause_.waits.size(), 2u);
}

TEST_F(FinishJobTest, GivesUpWhenItsPatienceIsOver) {
  for (int i = 0; i < 1000; ++i) link_.finish_script.push_back(absl::UnavailableError("away"));
  const absl::Duration before = clock_.Uptime();

  EXPECT_THAT(Finish(Generated()), HasCode(absl::StatusCode::kUnavailable));

  EXPECT_GE(clock_.Uptime() - before, absl::Minutes(1));
  EXPECT_LT(clock_.Uptime() - before, absl::Minutes(2));
}

TEST_F(FinishJobTest, AResultAfterACancelBecomesCancelled) {
  link_.finish_script = {absl::AbortedError("cancelled meanwhile")};

  EXPECT_THAT(Finish(Generated()), IsOk());

  ASSERT_EQ(link_.finishes().size(), 2u);
  EXPECT_TRUE(link_.finishes()[1].has_cancelled());
}

TEST_F(FinishJobTest, ALostLeaseIsReported) {
  link_.finish_script = {absl::AbortedError("stale"), absl::AbortedError("stale")};

  EXPECT_THAT(Finish(Generated()), HasCode(absl::StatusCode::kAborted));
  EXPECT_EQ(link_.finishes().size(), 2u);
}

TEST_F(FinishJobTest, AReleaseIsNotTurnedIntoACancel) {
  link_.finish_script = {absl::AbortedError("stale")};
  v1::FinishRequest outcome;
  outcome.mutable_released();

  EXPECT_THAT(Finish(outcome), HasCode(absl::StatusCode::kAborted));
  EXPECT_EQ(link_.finishes().size(), 1u);
}

TEST_F(FinishJobTest, ARefusedResultBecomesARetryableFailure) {
  link_.finish_script = {absl::FailedPreconditionError("a blob is missing")};

  EXPECT_THAT(Finish(Generated()), HasCode(absl::StatusCode::kFailedPrecondition));

  ASSERT_EQ(link_.finishes().size(), 2u);
  const auto failure = link_.finishes()[1].failure();
  EXPECT_TRUE(failure.retryable());
  EXPECT_THAT(FromProto(failure.status()), HasReason("RESULT_REFUSED"));
}

}  // namespace
}  // namespace vico::worker
