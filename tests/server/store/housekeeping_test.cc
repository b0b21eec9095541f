#include "server/jobs/housekeeping.h"

#include <condition_variable>
#include <mutex>

#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

class HousekeepingTest : public JobStoreTest {
 protected:
  Housekeeping keeper_{*jobs_, feed_, clock_, Log::Off(), HousekeepingOptions()};

  void TurnsFor(absl::Duration time) {
    for (absl::Duration passed; passed < time; passed += absl::Seconds(2)) {
      clock_.Advance(absl::Seconds(2));
      keeper_.Turn();
    }
  }
};

TEST_P(HousekeepingTest, ADeadWorkersJobIsQueuedAgainAtMostTwoTurnsAfterItsLease) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  TurnsFor(absl::Seconds(30));
  EXPECT_EQ(JobNow(grant.job.name()).state(), v1::JOB_STATE_RUNNING);
  TurnsFor(absl::Seconds(4));
  EXPECT_EQ(JobNow(grant.job.name()).state(), v1::JOB_STATE_QUEUED);
}

TEST_P(HousekeepingTest, AServerThatStoodStillTakesNoLeaseAway) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  keeper_.Turn();
  clock_.Advance(absl::Minutes(10));
  keeper_.Turn();
  EXPECT_EQ(JobNow(grant.job.name()).state(), v1::JOB_STATE_RUNNING);
  TurnsFor(absl::Seconds(28));
  EXPECT_THAT(jobs_->Report(ReportOf(grant, 1)), IsOk());
  TurnsFor(absl::Seconds(34));
  EXPECT_EQ(JobNow(grant.job.name()).state(), v1::JOB_STATE_QUEUED);
}

TEST_P(HousekeepingTest, EachTurnWakesThoseWhoWaitForJobs) {
  int woken = 0;
  const auto watch = feed_.WatchQueue([&] { ++woken; });
  keeper_.Turn();
  keeper_.Turn();
  EXPECT_EQ(woken, 2);
}

TEST_P(HousekeepingTest, TheThreadTakesTurnsUntilItIsDestroyed) {
  std::mutex mutex;
  std::condition_variable turned;
  int turns = 0;
  const auto watch = feed_.WatchQueue([&] {
    const std::lock_guard lock(mutex);
    ++turns;
    turned.notify_all();
  });
  {
    HousekeepingOptions options;
    options.interval = absl::Milliseconds(1);
    Housekeeping keeper(*jobs_, feed_, clock_, Log::Off(), options);
    keeper.Start();
    std::unique_lock lock(mutex);
    EXPECT_TRUE(turned.wait_for(lock, std::chrono::seconds(30), [&] { return turns >= 3; }));
  }
  const std::lock_guard lock(mutex);
  EXPECT_GE(turns, 3);
}

INSTANTIATE_TEST_SUITE_P(Backends, HousekeepingTest, testing::Values("sqlite"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace vico::server
