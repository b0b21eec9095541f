#include "server/jobs/housekeeping.h"

#include <atomic>
#include <condition_variable>
#include <mutex>

#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

class HousekeepingTest : public JobStoreTest {
 protected:
  class Choice final : public Leadership {
   public:
    bool IsLeader() const override { return leads; }
    std::atomic<bool> leads{true};
  };

  Choice choice_;
  Housekeeping housekeeping_{*jobs_, choice_, clock_, Log::Off(), HousekeepingOptions()};

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

TEST_P(HousekeepingTest, ExtendsLeasesAfterAPauseOfAllServers) {
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

TEST_P(HousekeepingTest, APauseWithinATurnEndsNoLease) {
  class StandingStill final : public Clock {
   public:
    absl::Time Now() const override { return absl::UnixEpoch() + Uptime(); }
    absl::Duration Uptime() const override { return uptime_ += absl::Seconds(10); }

   private:
    mutable absl::Duration uptime_;
  };
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  TurnsFor(absl::Seconds(32));
  clock_.Advance(absl::Seconds(2));
  const StandingStill stopped;
  Housekeeping(*jobs_, choice_, stopped, Log::Off(), HousekeepingOptions()).Turn();
  EXPECT_EQ(JobNow(grant.job.name()).state(), v1::JOB_STATE_RUNNING);
  housekeeping_.Turn();
  EXPECT_EQ(JobNow(grant.job.name()).state(), v1::JOB_STATE_QUEUED);
}

TEST_P(HousekeepingTest, AServerThatStartsExtendsNoLeaseWhileAnotherKeepsHouse) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  Choice another;
  for (int i = 0; i < 17; ++i) {
    TurnsFor(absl::Seconds(2));
    // One server after the other starts, and leads at once.
    Housekeeping started(*jobs_, another, clock_, Log::Off(), HousekeepingOptions());
    started.Turn();
  }
  EXPECT_EQ(JobNow(grant.job.name()).state(), v1::JOB_STATE_QUEUED) << "its lease has expired";
}

TEST_P(HousekeepingTest, OnlyTheLeaderKeepsHouse) {
  TurnsFor(absl::Seconds(2));
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  choice_.leads = false;
  Choice leader;
  Housekeeping leading(*jobs_, leader, clock_, Log::Off(), HousekeepingOptions());
  for (int i = 0; i < 14; ++i) {
    TurnsFor(absl::Seconds(2));
    leading.Turn();
  }
  TurnsFor(absl::Seconds(4));
  EXPECT_EQ(JobNow(grant.job.name()).state(), v1::JOB_STATE_RUNNING) << "nobody ends its lease";
  leading.Turn();
  EXPECT_EQ(JobNow(grant.job.name()).state(), v1::JOB_STATE_QUEUED);
}

TEST_P(HousekeepingTest, AnotherServerStepsInForALeaderThatDoesNothing) {
  TurnsFor(absl::Seconds(2));
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  choice_.leads = false;
  TurnsFor(absl::Seconds(30));
  EXPECT_EQ(JobNow(grant.job.name()).state(), v1::JOB_STATE_RUNNING);
  TurnsFor(absl::Seconds(4));
  EXPECT_EQ(JobNow(grant.job.name()).state(), v1::JOB_STATE_QUEUED)
      << "its worker could have reported to this server";
}

TEST_P(HousekeepingTest, AfterAPauseWaitsBeforeARetryEnd) {
  housekeeping_.Turn();
  Submitted(Generation("request-1"));
  ASSERT_THAT(jobs_->Finish(Failed(Leased(), true)), IsOk());
  ASSERT_THAT(jobs_->Finish(Failed(Leased(), true)), IsOk());
  TurnsFor(absl::Seconds(2));
  EXPECT_TRUE(NothingToLease());
  clock_.JumpWall(-absl::Hours(24));
  Open();  // the server was down, and its clock was set back
  Housekeeping started(*jobs_, choice_, clock_, Log::Off(), HousekeepingOptions());
  started.Turn();
  EXPECT_FALSE(NothingToLease());
}

TEST_P(HousekeepingTest, TheThreadRepeatsTurnsUntilItIsDestroyed) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  std::mutex mutex;
  std::condition_variable ended;
  bool is_queued = false;
  const auto watch = feed_.WatchQueue(kToyBase, [&] {
    const std::lock_guard lock(mutex);
    is_queued = true;
    ended.notify_all();
  });
  HousekeepingOptions options;
  options.interval = absl::Milliseconds(1);
  Housekeeping housekeeping(*jobs_, choice_, clock_, Log::Off(), options);
  housekeeping.Start();
  for (int i = 0; i < 40; ++i) {
    clock_.Advance(absl::Seconds(1));
    std::unique_lock lock(mutex);
    if (ended.wait_for(lock, std::chrono::milliseconds(50), [&] { return is_queued; })) return;
  }
  EXPECT_TRUE(is_queued);
}

INSTANTIATE_TEST_SUITE_P(Backends, HousekeepingTest, StoreBackends(), BackendName);

}  // namespace
}  // namespace vico::server
