// Lists of jobs: positions in the queue, and whose page a token opens.
#include <map>
#include <set>

#include <gmock/gmock.h>

#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

class JobListTest : public JobStoreTest {
 protected:
  JobListTest() : JobStoreTest(TempFolder::InMemory()) {}

  /// All jobs of the tenant, newest first, in pages of three.
  std::vector<v1::Job> All(const std::string& tenant) {
    std::vector<v1::Job> all;
    JobQuery query{.tenant = tenant, .page_size = 3};
    do {
      const auto page = jobs_->List(query);
      EXPECT_THAT(page, IsOk());
      if (!page.ok()) break;
      all.insert(all.end(), page->jobs.begin(), page->jobs.end());
      query.page_token = page->next_page_token;
    } while (!query.page_token.empty());
    return all;
  }
};

TEST_P(JobListTest, APageHasThePositionThatEachJobHasAlone) {
  std::vector<std::string> queued;
  for (int i = 0; i < 24; ++i) {
    const std::string tenant = i % 3 == 0 ? "other" : "default";
    queued.push_back(Submitted(Generation(fmt::format("request-{}", i), tenant)).name());
  }
  ASSERT_THAT(jobs_->Cancel("default", queued[1]), IsOk());
  ASSERT_THAT(jobs_->Cancel("other", queued[9]), IsOk());
  ASSERT_THAT(jobs_->Cancel("default", queued[20]), IsOk());
  std::set<std::string> gone{queued[1], queued[9], queued[20]};
  gone.insert(Leased().job.name());
  gone.insert(Leased().job.name());

  std::map<std::string, uint64_t> expected;
  for (const std::string& name : queued) {
    if (!gone.contains(name)) expected.emplace(name, expected.size());
  }
  std::map<std::string, uint64_t> listed;
  for (const std::string tenant : {"default", "other"}) {
    for (const v1::Job& job : All(tenant)) {
      const auto alone = jobs_->Get(tenant, job.name());
      ASSERT_THAT(alone, IsOk());
      EXPECT_EQ(job.queue_position(), alone->queue_position()) << job.name();
      if (job.state() == v1::JOB_STATE_QUEUED) {
        listed[job.name()] = job.queue_position();
      } else {
        EXPECT_EQ(job.queue_position(), 0u);
      }
    }
  }
  EXPECT_EQ(listed, expected);
}

TEST_P(JobListTest, ARepeatedSubmitHasTheCurrentPosition) {
  Submitted(Generation("request-1"));
  EXPECT_EQ(Submitted(Generation("request-2")).queue_position(), 1u);
  Leased();
  EXPECT_EQ(Submitted(Generation("request-2")).queue_position(), 0u);
}

TEST_P(JobListTest, ATokenOpensItsOwnTenantsListOfJobsOnly) {
  for (const std::string tenant : {"default", "other"}) {
    for (int i = 0; i < 3; ++i) {
      Submitted(Generation(fmt::format("request-{}", i), tenant));
      ASSERT_THAT(catalog_->CreateConcept({tenant, fmt::format("concept-{}", i), "h"}, {}), IsOk());
      ASSERT_THAT(catalog_->CreateAdapter({tenant, fmt::format("adapter-{}", i), "h"}, {}), IsOk());
    }
  }
  const auto jobs = jobs_->List({.tenant = "default", .page_size = 2});
  const auto concepts = catalog_->ListConcepts({.tenant = "default", .page_size = 2});
  const auto adapters = catalog_->ListAdapters({.tenant = "default", .page_size = 2});
  ASSERT_THAT(jobs, IsOk());
  ASSERT_THAT(concepts, IsOk());
  ASSERT_THAT(adapters, IsOk());

  const auto list_jobs = [&](const std::string& tenant, const std::string& token) {
    return jobs_->List({.tenant = tenant, .page_token = token}).status();
  };
  const auto list_concepts = [&](const std::string& tenant, const std::string& token) {
    return catalog_->ListConcepts({.tenant = tenant, .page_token = token}).status();
  };
  const auto list_adapters = [&](const std::string& tenant, const std::string& token) {
    return catalog_->ListAdapters({.tenant = tenant, .page_token = token}).status();
  };
  EXPECT_THAT(list_jobs("default", jobs->next_page_token), IsOk());
  EXPECT_THAT(list_concepts("default", concepts->next_page_token), IsOk());
  EXPECT_THAT(list_adapters("default", adapters->next_page_token), IsOk());
  for (const absl::Status& refused : {
           list_jobs("other", jobs->next_page_token),
           list_concepts("other", concepts->next_page_token),
           list_adapters("other", adapters->next_page_token),
           list_jobs("default", concepts->next_page_token),
           list_concepts("default", adapters->next_page_token),
           list_adapters("default", jobs->next_page_token),
       }) {
    EXPECT_THAT(refused, HasCode(absl::StatusCode::kInvalidArgument));
    EXPECT_THAT(refused, NamesField("page_token"));
  }
}

TEST_P(JobListTest, TheQueueCountsTheAgeOfTheOldestJobOfAKind) {
  Submitted(Generation("request-1"));
  clock_.Advance(absl::Seconds(30));
  Submitted(Generation("request-2"));
  Submitted(Generation("request-3", "other"));
  clock_.Advance(absl::Seconds(10));
  const auto counts = jobs_->CountQueue();
  ASSERT_THAT(counts, IsOk());
  ASSERT_EQ(counts->size(), 2u);
  EXPECT_EQ(counts->at(0).queued, 2);
  EXPECT_EQ(counts->at(0).oldest_wait, absl::Seconds(40));
  EXPECT_EQ(counts->at(1).queued, 1);
  EXPECT_EQ(counts->at(1).oldest_wait, absl::Seconds(10));
  Leased();
  Leased();
  const auto later = jobs_->CountQueue();
  ASSERT_THAT(later, IsOk());
  int64_t running = 0;
  for (const QueueCounts& count : *later) running += count.running;
  EXPECT_EQ(running, 2);
}

INSTANTIATE_TEST_SUITE_P(Backends, JobListTest, StoreBackends(), BackendName);

}  // namespace
}  // namespace vico::server
