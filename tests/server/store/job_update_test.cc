// What clients change and ask of jobs: display names and labels, early ends, bulk cancels, filters
// of lists; and of concepts and adapters.
#include <gmock/gmock.h>

#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class JobUpdateTest : public JobStoreTest {
 protected:
  static ResourceUpdate Named(const std::string& name, const std::string& team) {
    ResourceUpdate update;
    update.display_name = name;
    update.labels["team"] = team;
    return update;
  }

  std::vector<std::string> Listed(const JobFilter& filter) {
    const auto page = jobs_->List({.tenant = "default", .filter = filter});
    EXPECT_THAT(page, IsOk());
    std::vector<std::string> names;
    if (!page.ok()) return names;
    for (const v1::Job& job : page->jobs) names.push_back(job.name());
    return names;
  }
};

TEST_P(JobUpdateTest, NamesAndLabelsLastThroughAllChangesOfAJob) {
  const v1::Job job = Submitted(Generation("request-1"));
  const auto updated = jobs_->Update("default", job.name(), Named("a ball", "blue"));
  ASSERT_THAT(updated, IsOk());
  EXPECT_EQ(updated->display_name(), "a ball");
  EXPECT_EQ(updated->labels().at("team"), "blue");
  EXPECT_EQ(updated->last_sequence(), job.last_sequence());

  const Grant grant = Leased();
  ASSERT_THAT(jobs_->Report(ReportOf(grant, 1, 2)), IsOk());
  ResourceUpdate more;
  more.labels["team"] = std::nullopt;
  more.labels["example.com/run"] = "7";
  ASSERT_THAT(jobs_->Update("default", job.name(), more), IsOk());
  ASSERT_THAT(jobs_->Finish(Generated(grant)), IsOk());
  Open();
  const v1::Job now = JobNow(job.name());
  EXPECT_EQ(now.display_name(), "a ball");
  ASSERT_EQ(now.labels_size(), 1);
  EXPECT_EQ(now.labels().at("example.com/run"), "7");
  EXPECT_EQ(jobs_->List({.tenant = "default"})->jobs[0].display_name(), "a ball");
}

TEST_P(JobUpdateTest, OnlyTheOwnerUpdates) {
  const v1::Job job = Submitted(Generation("request-1"));
  EXPECT_THAT(jobs_->Update("other", job.name(), Named("x", "y")), HasReason("JOB_NOT_FOUND"));
  EXPECT_EQ(JobNow(job.name()).display_name(), "");
}

TEST_P(JobUpdateTest, ATrainingThatIsAskedToFinishLearnsItWithTheNextReport) {
  const v1::Job job = Submitted(Training("request-1"));
  EXPECT_THAT(jobs_->AskToFinish("default", job.name()), HasReason("JOB_NOT_RUNNING"));
  const Grant grant = Leased();
  EXPECT_EQ(*jobs_->Report(ReportOf(grant, 1)), v1::DIRECTIVE_CONTINUE);
  const auto asked = jobs_->AskToFinish("default", job.name());
  ASSERT_THAT(asked, IsOk());
  EXPECT_TRUE(asked->finish_requested());
  EXPECT_THAT(jobs_->AskToFinish("default", job.name()), IsOk());
  EXPECT_THAT(jobs_->AskToFinish("other", job.name()), HasReason("JOB_NOT_FOUND"));
  EXPECT_EQ(*jobs_->Report(ReportOf(grant, 2)), v1::DIRECTIVE_FINISH);
  ASSERT_THAT(jobs_->Finish(Trained(grant)), IsOk());
  EXPECT_EQ(JobNow(job.name()).state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_THAT(jobs_->AskToFinish("default", job.name()), HasReason("JOB_NOT_RUNNING"));
}

TEST_P(JobUpdateTest, TheNextAttemptIsToldToFinishToo) {
  const v1::Job job = Submitted(Training("request-1"));
  const Grant first = Leased();
  ASSERT_THAT(jobs_->AskToFinish("default", job.name()), IsOk());
  ASSERT_THAT(jobs_->Finish(Released(first)), IsOk());
  const Grant second = Leased();
  EXPECT_EQ(*jobs_->Report(ReportOf(second, 1)), v1::DIRECTIVE_FINISH);
}

TEST_P(JobUpdateTest, ACancelComesBeforeAnEarlyEnd) {
  const v1::Job job = Submitted(Training("request-1"));
  const Grant grant = Leased();
  ASSERT_THAT(jobs_->AskToFinish("default", job.name()), IsOk());
  ASSERT_THAT(jobs_->Cancel("default", job.name()), IsOk());
  EXPECT_EQ(*jobs_->Report(ReportOf(grant, 1)), v1::DIRECTIVE_CANCEL);
}

TEST_P(JobUpdateTest, AGenerationCannotFinishEarly) {
  const v1::Job job = Submitted(Generation("request-1"));
  Leased();
  EXPECT_THAT(jobs_->AskToFinish("default", job.name()), HasReason("NOT_A_TRAINING"));
}

TEST_P(JobUpdateTest, ABulkCancelSaysWhatHappenedToEachJob) {
  const std::string running = Submitted(Generation("request-1")).name();
  const Grant grant = Leased();
  const std::string queued = Submitted(Generation("request-2")).name();
  const std::string kept = Submitted(Generation("request-3")).name();
  const std::string theirs = Submitted(Generation("request-4", "other")).name();
  const std::string ended = Submitted(Generation("request-5")).name();
  ASSERT_THAT(jobs_->Cancel("default", ended), IsOk());

  const auto result = jobs_->CancelAll("default", {running, queued, theirs, ended, queued});
  ASSERT_THAT(result, IsOk());
  EXPECT_THAT(result->cancelled, ElementsAre(queued));
  EXPECT_THAT(result->requested, ElementsAre(running));
  EXPECT_THAT(result->unchanged, UnorderedElementsAre(theirs, ended));
  EXPECT_EQ(JobNow(queued).state(), v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(JobNow(kept).state(), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(*jobs_->Report(ReportOf(grant, 1)), v1::DIRECTIVE_CANCEL);
  EXPECT_THAT(Story(queued), ElementsAre(v1::Event::kQueued, v1::Event::kCancelled));
}

TEST_P(JobUpdateTest, ListsAreFilteredByConceptAdapterAndTime) {
  const SubmitRequest request = Training("request-1");
  const std::string training = Submitted(request).name();
  const Grant grant = Leased();
  const auto finished = jobs_->Finish(Trained(grant));
  ASSERT_THAT(finished, IsOk());
  clock_.Advance(absl::Minutes(1));
  const absl::Time between = clock_.Now();
  clock_.Advance(absl::Minutes(1));
  SubmitRequest with = Generation("request-2");
  with.spec.mutable_generate()->set_adapter(finished->adapter());
  const std::string generation = Submitted(with).name();
  const std::string bare = Submitted(Generation("request-3")).name();
  Submitted(Generation("request-4", "other"));

  EXPECT_THAT(Listed({}), ElementsAre(bare, generation, training));
  EXPECT_THAT(Listed({.concept_name = request.spec.train().concept_name()}), ElementsAre(training));
  EXPECT_THAT(Listed({.adapter = finished->adapter()}), ElementsAre(generation, training));
  EXPECT_THAT(Listed({.kinds = {v1::JOB_KIND_GENERATION}, .adapter = finished->adapter()}),
              ElementsAre(generation));
  EXPECT_THAT(Listed({.created_after = between}), ElementsAre(bare, generation));
  EXPECT_THAT(Listed({.created_before = between}), ElementsAre(training));
  EXPECT_THAT(Listed({.states = {v1::JOB_STATE_SUCCEEDED}, .created_after = between}),
              ElementsAre());
  EXPECT_THAT(Listed({.concept_name = "concepts/none"}), ElementsAre());
}

TEST_P(JobUpdateTest, EachPageTellsHowManyEntriesAllHave) {
  for (int i = 0; i < 5; ++i) Submitted(Generation(fmt::format("request-{}", i)));
  Submitted(Generation("request-other", "other"));
  ASSERT_THAT(jobs_->Cancel("default", Submitted(Generation("request-6")).name()), IsOk());
  JobQuery query{.tenant = "default", .page_size = 2, .filter = {.states = {v1::JOB_STATE_QUEUED}}};
  int pages = 0;
  do {
    const auto page = jobs_->List(query);
    ASSERT_THAT(page, IsOk());
    EXPECT_EQ(page->total_size, 5);
    query.page_token = page->next_page_token;
    ++pages;
  } while (!query.page_token.empty());
  EXPECT_EQ(pages, 3);
  query.page_size = 50;
  EXPECT_EQ(jobs_->List(query)->total_size, 5);

  for (int i = 0; i < 3; ++i) {
    ASSERT_THAT(catalog_->CreateConcept({"default", fmt::format("concept-{}", i), "h"}, {}),
                IsOk());
  }
  const auto first = catalog_->ListConcepts({.tenant = "default", .page_size = 2});
  EXPECT_EQ(first->total_size, 3);
  const auto second = catalog_->ListConcepts(
      {.tenant = "default", .page_size = 2, .page_token = first->next_page_token});
  EXPECT_EQ(second->total_size, 3);
  EXPECT_EQ(second->concepts.size(), 1u);
  EXPECT_EQ(catalog_->ListAdapters({.tenant = "default"})->total_size, 0);
}

TEST_P(JobUpdateTest, ConceptsAndAdaptersAreUpdated) {
  v1::Concept uploaded;
  uploaded.set_display_name("before");
  const auto made = catalog_->CreateConcept({"default", "request-of-concept", "h"}, uploaded);
  ASSERT_THAT(made, IsOk());
  const auto updated = catalog_->UpdateConcept("default", made->name(), Named("my dog", "blue"));
  ASSERT_THAT(updated, IsOk());
  EXPECT_EQ(updated->display_name(), "my dog");
  EXPECT_EQ(catalog_->GetConcept("default", made->name())->labels().at("team"), "blue");
  EXPECT_THAT(catalog_->UpdateConcept("other", made->name(), Named("x", "y")),
              HasReason("CONCEPT_NOT_FOUND"));

  v1::Adapter adapter;
  adapter.mutable_blob()->set_sha256(std::string(64, 'a'));
  const auto imported = catalog_->CreateAdapter({"default", "request-of-adapter", "h"}, adapter);
  ASSERT_THAT(imported, IsOk());
  ASSERT_THAT(catalog_->UpdateAdapter("default", imported->name(), Named("dog 2", "red")), IsOk());
  const auto found = catalog_->GetAdapter("default", imported->name());
  EXPECT_EQ(found->display_name(), "dog 2");
  EXPECT_EQ(found->blob().sha256(), std::string(64, 'a'));
  EXPECT_THAT(catalog_->UpdateAdapter("other", imported->name(), Named("x", "y")),
              HasReason("ADAPTER_NOT_FOUND"));
}

TEST_P(JobUpdateTest, ARefusedDeletionNamesTheJobsThatUseIt) {
  const SubmitRequest request = Training("request-1");
  const std::string job = Submitted(request).name();
  const absl::Status refused =
      catalog_->DeleteConcept("default", request.spec.train().concept_name());
  EXPECT_THAT(refused, HasReason("IN_USE"));
  EXPECT_THAT(refused, HasMessage(HasSubstr(job)));
}

INSTANTIATE_TEST_SUITE_P(Backends, JobUpdateTest, StoreBackends(), BackendName);

}  // namespace
}  // namespace vico::server
