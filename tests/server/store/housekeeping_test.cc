#include "server/jobs/housekeeping.h"

#include <condition_variable>
#include <mutex>

#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

class HousekeepingTest : public JobStoreTest {
 protected:
  Housekeeping housekeeping_{*jobs_, feed_, clock_, Log::Off(), HousekeepingOptions()};

  void TurnsFor(absl::Duration time) {
    for (absl::Duration passed; passed < time; passed += absl::Seconds(2)) {
      clock_.Advance(absl::Seconds(2));
      housekeeping_.Turn();
    }
  }
};

TEST_P(HousekeepingTest, AnExpiredJobIsQueuedWithinTwoTurns) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  TurnsFor(absl::Seconds(30));
  EXPECT_EQ(JobNow(grant.job.name()).state(), v1::JOB_STATE_RUNNING);
  TurnsFor(absl::Seconds(4));
  EXPECT_EQ(JobNow(grant.job.name()).state(), v1::JOB_STATE_QUEUED);
}

TEST_P(HousekeepingTest, ExtendsLeasesAfterAPauseOfTheServer) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  housekeeping_.Turn();
  clock_.Advance(absl::Minutes(10));
  housekeeping_.Turn();
  EXPECT_EQ(JobNow(grant.job.name()).state(), v1::JOB_STATE_RUNNING);
  TurnsFor(absl::Seconds(28));
  EXPECT_THAT(jobs_->Report(ReportOf(grant, 1)), IsOk());
  TurnsFor(absl::Seconds(34));
  EXPECT_EQ(JobNow(grant.job.name()).state(), v1::JOB_STATE_QUEUED);
}

TEST_P(HousekeepingTest, EachTurnNotifiesWatchersOfTheQueue) {
  int woken = 0;
  const auto watch = feed_.WatchQueue([&] { ++woken; });
  housekeeping_.Turn();
  housekeeping_.Turn();
  EXPECT_EQ(woken, 2);
}

TEST_P(HousekeepingTest, TheThreadRepeatsTurnsUntilItIsDestroyed) {
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
    Housekeeping housekeeping(*jobs_, feed_, clock_, Log::Off(), options);
    housekeeping.Start();
    std::unique_lock lock(mutex);
    EXPECT_TRUE(turned.wait_for(lock, std::chrono::seconds(30), [&] { return turns >= 3; }));
  }
  const std::lock_guard lock(mutex);
  EXPECT_GE(turns, 3);
}

INSTANTIATE_TEST_SUITE_P(Backends, HousekeepingTest, StoreBackends(), BackendName);

}  // namespace
}  // namespace vico::server
