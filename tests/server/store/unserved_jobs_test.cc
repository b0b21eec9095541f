// Warnings of queued jobs that no worker can serve.
#include "server/jobs/housekeeping.h"
#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

using testing::ElementsAre;

class UnservedJobsTest : public JobStoreTest {
 protected:
  int Warnings(const std::string& job) {
    int warnings = 0;
    for (const v1::Event& event : Events(job)) {
      if (!event.has_warning()) continue;
      EXPECT_EQ(event.warning().reason(), "BASE_MODEL_UNAVAILABLE");
      EXPECT_THAT(event.warning().message(), testing::HasSubstr(kToyBase));
      ++warnings;
    }
    return warnings;
  }

  int Warn(const std::vector<ServedBaseModel>& served, int limit = 100) {
    const auto warned = jobs_->WarnUnserved(served, limit);
    EXPECT_THAT(warned, IsOk());
    return warned.value_or(-1);
  }
};

TEST_P(UnservedJobsTest, AWaitingJobIsWarnedOnce) {
  const std::string job = Submitted(Generation("request-1")).name();
  EXPECT_EQ(Warn({{kToyBase}, {"baseModels/other"}}), 0);
  EXPECT_EQ(Warn({{"baseModels/other"}}), 1);
  EXPECT_EQ(Warn({}), 0);
  EXPECT_EQ(Warnings(job), 1);
  EXPECT_THAT(Story(job), ElementsAre(v1::Event::kQueued, v1::Event::kWarning));
}

TEST_P(UnservedJobsTest, EachDisappearanceIsSaidAgain) {
  const std::string job = Submitted(Generation("request-1")).name();
  EXPECT_EQ(Warn({}), 1);
  EXPECT_EQ(Warn({{kToyBase}}), 0);
  EXPECT_EQ(Warn({}), 1);
  EXPECT_EQ(Warnings(job), 2);
}

TEST_P(UnservedJobsTest, AJobForMoreDevicesThanAnyWorkerHasIsWarned) {
  SubmitRequest request = Training("request-1");
  request.spec.mutable_train()->set_batch_size(4);
  request.spec.mutable_train()->set_devices(3);
  const std::string job = Submitted(request).name();
  EXPECT_EQ(Warn({{kToyBase, 4}}), 0);
  EXPECT_EQ(Warn({{kToyBase, 2}, {"baseModels/other", 4}}), 1);
  EXPECT_EQ(Warn({{kToyBase, 1}}), 0) << "once";
  EXPECT_EQ(Warn({{kToyBase, 3}}), 0);
  EXPECT_EQ(Warn({{kToyBase, 2}}), 1) << "again, after a worker that could";
  std::vector<std::string> reasons;
  for (const v1::Event& event : Events(job)) {
    if (event.has_warning()) reasons.push_back(event.warning().reason());
  }
  EXPECT_THAT(reasons, ElementsAre("NO_WORKER_WITH_DEVICES", "NO_WORKER_WITH_DEVICES"));
}

TEST_P(UnservedJobsTest, WhatWasSaidAtSubmitIsNotSaidAgain) {
  SubmitRequest request = Generation("request-1");
  request.warnings.push_back(BaseModelUnavailable(kToyBase));
  request.base_model_missing = true;
  const std::string job = Submitted(request).name();
  EXPECT_EQ(Warn({}), 0);
  EXPECT_EQ(Warnings(job), 1);
}

TEST_P(UnservedJobsTest, JobsThatDoNotWaitAreNotWarned) {
  Submitted(Generation("request-1"));
  const Grant running = Leased();
  const std::string cancelled = Submitted(Generation("request-2")).name();
  ASSERT_THAT(jobs_->Cancel("default", cancelled), IsOk());
  EXPECT_EQ(Warn({}), 0);
  // The numbers of its events go on after a warning.
  ASSERT_THAT(jobs_->Finish(Released(running)), IsOk());
  EXPECT_EQ(Warn({}), 1);
  ASSERT_THAT(jobs_->Finish(Generated(Leased(), 0)), IsOk());
  EXPECT_THAT(Story(running.job.name()),
              ElementsAre(v1::Event::kQueued, v1::Event::kStarted, v1::Event::kQueued,
                          v1::Event::kWarning, v1::Event::kStarted, v1::Event::kSucceeded));
}

TEST_P(UnservedJobsTest, ATurnWarnsABoundedNumberOfJobs) {
  for (int i = 0; i < 5; ++i) Submitted(Generation(fmt::format("request-{}", i)));
  EXPECT_EQ(Warn({}, 3), 3);
  EXPECT_EQ(Warn({}, 3), 2);
  EXPECT_EQ(Warn({}, 3), 0);
}

TEST_P(UnservedJobsTest, HousekeepingWarnsWhenTheLastWorkerDisappears) {
  std::vector<ServedBaseModel> served = {{kToyBase}};
  HousekeepingOptions options;
  options.base_models = [&] { return served; };
  const AlwaysLeader leader;
  Housekeeping housekeeping(*jobs_, leader, clock_, Log::Off(), options);
  const auto turn = [&] {
    clock_.Advance(absl::Seconds(2));
    housekeeping.Turn();
  };
  const std::string early = Submitted(Generation("request-1")).name();
  served.clear();  // as after a restart: workers have a minute to register
  for (int i = 0; i < 29; ++i) turn();
  EXPECT_EQ(Warnings(early), 0);
  served = {{kToyBase}};
  turn();
  EXPECT_EQ(Warnings(early), 0);
  served.clear();
  turn();
  EXPECT_EQ(Warnings(early), 1);
  // A job that was submitted while the worker disappeared.
  const std::string late = Submitted(Generation("request-2")).name();
  for (int i = 0; i < 15; ++i) turn();
  EXPECT_EQ(Warnings(late), 1);
  EXPECT_EQ(Warnings(early), 1);
}

INSTANTIATE_TEST_SUITE_P(Backends, UnservedJobsTest, StoreBackends(), BackendName);

}  // namespace
}  // namespace vico::server
