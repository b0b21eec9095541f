// What time does to jobs besides their leases: the wait in the queue and the total deadline.
#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

class JobExpiryTest : public JobStoreTest {
 protected:
  static std::string ReasonOf(const v1::Job& job) { return Reason(FromProto(job.error())); }
};

TEST_P(JobExpiryTest, FailsAQueuedJobAfterADay) {
  const v1::Job job = Submitted(Generation("request-1"));
  clock_.Advance(absl::Hours(24));
  EXPECT_EQ(*jobs_->FailOverdue(), 0);
  clock_.Advance(absl::Microseconds(1));
  EXPECT_EQ(*jobs_->FailOverdue(), 1);
  EXPECT_EQ(*jobs_->FailOverdue(), 0);
  EXPECT_EQ(JobNow(job.name()).state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(ReasonOf(JobNow(job.name())), "QUEUE_TIMEOUT");
  EXPECT_THAT(Story(job.name()), testing::ElementsAre(v1::Event::kQueued, v1::Event::kFailed));
  EXPECT_TRUE(NothingToLease());
}

TEST_P(JobExpiryTest, TheWaitRestartsWhenAJobIsQueuedAgain) {
  Submitted(Generation("request-1"));
  clock_.Advance(absl::Hours(23));
  const Grant grant = Leased();
  ASSERT_THAT(jobs_->Finish(Released(grant)), IsOk());
  clock_.Advance(absl::Hours(23));
  EXPECT_EQ(*jobs_->FailOverdue(), 0);
  clock_.Advance(absl::Hours(2));
  EXPECT_EQ(*jobs_->FailOverdue(), 1);
}

TEST_P(JobExpiryTest, FailsARunningJobAfterItsDeadline) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  for (int hour = 0; hour < 72; ++hour) {
    ASSERT_THAT(jobs_->Report(ReportOf(grant, 1)), IsOk());
    EXPECT_EQ(*jobs_->FailOverdue(), 0) << hour;
    clock_.Advance(absl::Hours(1));
  }
  clock_.Advance(absl::Microseconds(1));
  EXPECT_EQ(*jobs_->FailOverdue(), 1);
  EXPECT_EQ(ReasonOf(JobNow(grant.job.name())), "DEADLINE_PASSED");
  EXPECT_THAT(jobs_->Report(ReportOf(grant, 2)), HasReason("LEASE_LOST"));
  EXPECT_THAT(jobs_->Finish(Generated(grant)), HasReason("LEASE_LOST"));
}

TEST_P(JobExpiryTest, AWallClockStepEndsNoWait) {
  const v1::Job job = Submitted(Generation("request-1"));
  clock_.JumpWall(absl::Hours(48));
  EXPECT_EQ(*jobs_->FailOverdue(), 0);
  clock_.JumpWall(-absl::Hours(96));
  clock_.Advance(absl::Hours(25));
  EXPECT_EQ(*jobs_->FailOverdue(), 1);
}

TEST_P(JobExpiryTest, TimeWithoutAServerCountsAsWaiting) {
  Submitted(Generation("request-1"));
  clock_.Advance(absl::Hours(25));
  Open();
  EXPECT_EQ(*jobs_->FailOverdue(), 1);
}

TEST_P(JobExpiryTest, LimitsTheRunningJobsOfATenantAndKind) {
  options_.trainings_per_tenant = 2;
  options_.generations_per_tenant = 1;
  Open();
  for (int i = 0; i < 3; ++i) {
    Submitted(Training(fmt::format("training-{}", i)));
    Submitted(Generation(fmt::format("generation-{}", i)));
  }
  const Grant first = Leased();
  Leased();
  Leased();
  EXPECT_TRUE(NothingToLease()) << "two trainings and a generation run";
  Submitted(Training("theirs", "other"));
  EXPECT_EQ(Leased().tenant, "other") << "the limit is per tenant";
  ASSERT_THAT(jobs_->Finish(Released(first)), IsOk());
  EXPECT_EQ(Leased().job.kind(), first.job.kind());
  EXPECT_TRUE(NothingToLease());
}

TEST_P(JobExpiryTest, TheDefaultLimitsOfRunningJobsAreFourTrainingsAndEightGenerations) {
  EXPECT_EQ(JobStoreOptions().trainings_per_tenant, 4);
  EXPECT_EQ(JobStoreOptions().generations_per_tenant, 8);
}

INSTANTIATE_TEST_SUITE_P(Backends, JobExpiryTest, StoreBackends(), BackendName);

}  // namespace
}  // namespace vico::server
