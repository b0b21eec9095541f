#include <gmock/gmock.h>

#include "server/store/sql_job_changes.h"
#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class JobChangesTest : public JobStoreTest {
 protected:
  RecentJobs Recent(JobFilter filter = {}, bool with_queue_position = false) {
    SqlJobChanges changes(*database_, *time_);
    const auto recent = changes.Recent({.tenant = "default",
                                        .filter = std::move(filter),
                                        .age = absl::Minutes(2),
                                        .with_queue_position = with_queue_position});
    EXPECT_THAT(recent, IsOk());
    return recent.ok() ? *recent : RecentJobs();
  }

  static std::vector<std::string> Names(const RecentJobs& recent) {
    std::vector<std::string> names;
    for (const JobMark& mark : recent.jobs) names.push_back(mark.name);
    return names;
  }
};

TEST_P(JobChangesTest, FindsAllThatWaitOrRunAndWhatEndedLately) {
  const std::string running = Submitted(Generation("request-1")).name();
  const Grant grant = Leased();
  const std::string queued = Submitted(Training("request-2")).name();
  const std::string ended = Submitted(Generation("request-3")).name();
  ASSERT_THAT(jobs_->Cancel("default", ended), IsOk());
  Submitted(Generation("request-4", "other"));
  EXPECT_THAT(Names(Recent()), ElementsAre(running, queued, ended));
  EXPECT_THAT(Names(Recent({.kinds = {v1::JOB_KIND_TRAINING}})), ElementsAre(queued));

  clock_.Advance(absl::Minutes(3));
  EXPECT_THAT(Names(Recent()), ElementsAre(running, queued));
  ASSERT_THAT(jobs_->Update("default", ended, {.display_name = "again"}), IsOk());
  const RecentJobs recent = Recent();
  ASSERT_THAT(Names(recent), ElementsAre(running, queued, ended));
  EXPECT_EQ(recent.jobs[2].state, v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(recent.jobs[2].last_sequence, 2u);
  EXPECT_GT(recent.jobs[2].update_time, 0);
  EXPECT_EQ(recent.jobs[1].base_model, kToyBase);
}

TEST_P(JobChangesTest, EachUpdateHasALaterTime) {
  const std::string job = Submitted(Generation("request-1")).name();
  int64_t before = 0;
  for (int i = 0; i < 3; ++i) {
    ASSERT_THAT(jobs_->Update("default", job, {.display_name = "x"}), IsOk());
    const int64_t time = Recent().jobs[0].update_time;
    EXPECT_GT(time, before);
    before = time;
  }
}

TEST_P(JobChangesTest, TellsPositionsIfAsked) {
  const std::string first = Submitted(Generation("request-1")).name();
  Submitted(Generation("request-2", "other"));
  const std::string third = Submitted(Generation("request-3")).name();
  const RecentJobs recent = Recent({}, true);
  ASSERT_THAT(Names(recent), ElementsAre(first, third));
  EXPECT_EQ(recent.jobs[0].queue_position, 0u);
  EXPECT_EQ(recent.jobs[1].queue_position, 2u);
}

TEST_P(JobChangesTest, NamesWhatWasDeletedLately) {
  const std::string job = Submitted(Generation("request-1")).name();
  const std::string theirs = Submitted(Generation("request-2", "other")).name();
  ASSERT_THAT(jobs_->Cancel("default", job), IsOk());
  ASSERT_THAT(jobs_->Cancel("other", theirs), IsOk());
  EXPECT_THAT(Recent().deleted, IsEmpty());
  ASSERT_THAT(jobs_->Delete("default", job), IsOk());
  ASSERT_THAT(jobs_->Delete("other", theirs), IsOk());
  EXPECT_THAT(Recent().deleted, ElementsAre(job));
  EXPECT_THAT(Names(Recent()), IsEmpty());
  clock_.Advance(absl::Minutes(3));
  EXPECT_THAT(Recent().deleted, IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Backends, JobChangesTest, StoreBackends(), BackendName);

}  // namespace
}  // namespace vico::server
