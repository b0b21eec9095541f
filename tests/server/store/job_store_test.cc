// Submit, Get, List, Cancel and events of the job store.
#include "server/jobs/job_store.h"

#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

using testing::ElementsAre;

std::vector<std::string> Names(const std::vector<v1::Job>& jobs) {
  std::vector<std::string> names;
  for (const v1::Job& job : jobs) names.push_back(job.name());
  return names;
}

TEST_P(JobStoreTest, ASubmittedJobIsQueuedWithAnEvent) {
  const v1::Job job = Submitted(Training("request-1"));

  EXPECT_EQ(job.state(), v1::JOB_STATE_QUEUED);
  EXPECT_EQ(job.kind(), v1::JOB_KIND_TRAINING);
  EXPECT_EQ(job.attempt(), 0);
  EXPECT_EQ(job.total_steps(), 400);
  EXPECT_EQ(job.queue_position(), 0u);
  EXPECT_EQ(job.create_time().seconds(), absl::ToUnixSeconds(clock_.Now()));
  EXPECT_EQ(JobNow(job.name()).SerializeAsString(), job.SerializeAsString());
  EXPECT_THAT(Story(job.name()), ElementsAre(v1::Event::kQueued));
}

TEST_P(JobStoreTest, WarningsFollowTheQueuedEvent) {
  SubmitRequest request = Generation("request-1");
  request.warnings.emplace_back().set_reason("PROMPT_CUT");
  request.warnings.emplace_back().set_reason("NO_PLACEHOLDER");
  const v1::Job job = Submitted(request);

  EXPECT_THAT(Story(job.name()),
              ElementsAre(v1::Event::kQueued, v1::Event::kWarning, v1::Event::kWarning));
  EXPECT_EQ(Events(job.name())[2].warning().reason(), "NO_PLACEHOLDER");
  EXPECT_EQ(job.last_sequence(), 3u);
}

TEST_P(JobStoreTest, ARepeatedSubmissionReturnsTheJobsCurrentState) {
  const v1::Job first = Submitted(Generation("request-1"));
  Leased();
  const v1::Job second = Submitted(Generation("request-1"));

  EXPECT_EQ(second.name(), first.name());
  EXPECT_EQ(second.state(), v1::JOB_STATE_RUNNING);
  EXPECT_TRUE(NothingToLease());
}

TEST_P(JobStoreTest, FindsAJobByItsRequest) {
  const SubmitRequest request = Generation("request-1");
  EXPECT_THAT(jobs_->FindByRequest(request.key), HasCode(absl::StatusCode::kNotFound));
  const v1::Job made = Submitted(request);
  Leased();
  const auto found = jobs_->FindByRequest(request.key);
  ASSERT_THAT(found, IsOk());
  EXPECT_EQ(found->name(), made.name());
  EXPECT_EQ(found->state(), v1::JOB_STATE_RUNNING);

  RequestKey other = request.key;
  other.body_hash = "another";
  EXPECT_THAT(jobs_->FindByRequest(other), HasReason("REQUEST_ID_REUSED"));
  other.tenant = "theirs";
  EXPECT_THAT(jobs_->FindByRequest(other), HasCode(absl::StatusCode::kNotFound));
}

TEST_P(JobStoreTest, ARequestIdWithAnotherBodyIsRefused) {
  Submitted(Generation("request-1"));
  SubmitRequest other = Generation("request-1");
  other.key.body_hash = "another";

  const auto job = jobs_->Submit(other);
  EXPECT_THAT(job, HasCode(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(job, HasReason("REQUEST_ID_REUSED"));
}

TEST_P(JobStoreTest, TenantsMayUseTheSameRequestId) {
  const v1::Job ours = Submitted(Generation("request-1", "ours"));
  SubmitRequest other = Generation("request-1", "theirs");
  other.key.body_hash = "another";
  EXPECT_NE(Submitted(other).name(), ours.name());
}

TEST_P(JobStoreTest, RefusesAMissingConceptOrAdapter) {
  SubmitRequest training = Training("request-1");
  ASSERT_THAT(catalog_->DeleteConcept("default", training.spec.train().concept_name()), IsOk());
  EXPECT_THAT(jobs_->Submit(training), HasCode(absl::StatusCode::kNotFound));

  SubmitRequest generation = Generation("request-2");
  generation.spec.mutable_generate()->set_adapter("adapters/unknown");
  EXPECT_THAT(jobs_->Submit(generation), HasCode(absl::StatusCode::kNotFound));
  EXPECT_TRUE(NothingToLease());
}

TEST_P(JobStoreTest, RefusesAnotherTenantsConcept) {
  SubmitRequest training = Training("request-1", "theirs");
  training.key.tenant = "ours";
  EXPECT_THAT(jobs_->Submit(training), HasCode(absl::StatusCode::kNotFound));
}

TEST_P(JobStoreTest, LimitsTheQueueOfATenant) {
  options_.queued_per_tenant = 3;
  Open();
  for (int i = 0; i < 3; ++i) Submitted(Generation(fmt::format("request-{}", i)));

  const auto refused = jobs_->Submit(Generation("request-3"));
  EXPECT_THAT(refused, HasCode(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(refused, HasReason("QUEUE_FULL"));
  EXPECT_GT(RetryAfter(refused.status()), absl::ZeroDuration());

  EXPECT_THAT(jobs_->Submit(Generation("request-0")), IsOk()) << "a repeat is no new job";
  EXPECT_THAT(jobs_->Submit(Generation("request-3", "another")), IsOk());
  EXPECT_EQ(Leased().tenant, "another");
  EXPECT_EQ(Leased().tenant, "default");
  EXPECT_THAT(jobs_->Submit(Generation("request-3")), IsOk()) << "a running job does not wait";
}

TEST_P(JobStoreTest, LimitsTheWholeQueue) {
  options_.queued_total = 2;
  Open();
  Submitted(Generation("request-1", "a"));
  Submitted(Generation("request-1", "b"));
  EXPECT_THAT(jobs_->Submit(Generation("request-1", "c")), HasReason("QUEUE_FULL"));
}

TEST_P(JobStoreTest, TheDefaultLimitsAreOneHundredAndTenThousand) {
  EXPECT_EQ(JobStoreOptions().queued_per_tenant, 100);
  EXPECT_EQ(JobStoreOptions().queued_total, 10'000);
}

TEST_P(JobStoreTest, QueuePositionCountsOlderQueuedJobs) {
  Submitted(Generation("request-1"));
  Submitted(Generation("request-2"));
  const v1::Job third = Submitted(Generation("request-3"));
  EXPECT_EQ(third.queue_position(), 2u);
  Leased();
  EXPECT_EQ(JobNow(third.name()).queue_position(), 1u);
}

TEST_P(JobStoreTest, AnotherTenantsJobIsNotFound) {
  const v1::Job job = Submitted(Generation("request-1", "theirs"));
  EXPECT_THAT(jobs_->Get("ours", job.name()), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(jobs_->Cancel("ours", job.name()), HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(jobs_->EventsAfter("ours", job.name(), 0, 10), HasCode(absl::StatusCode::kNotFound));
  const auto page = jobs_->List({.tenant = "ours"});
  ASSERT_THAT(page, IsOk());
  EXPECT_THAT(page->jobs, testing::IsEmpty());
}

TEST_P(JobStoreTest, PagesAreNewestFirstWithoutGap) {
  std::vector<std::string> expected;
  for (int i = 0; i < 7; ++i) {
    expected.insert(expected.begin(), Submitted(Generation(fmt::format("request-{}", i))).name());
  }
  std::vector<std::string> seen;
  JobQuery query{.tenant = "default", .page_size = 3};
  std::vector<size_t> sizes;
  do {
    const auto page = jobs_->List(query);
    ASSERT_THAT(page, IsOk());
    for (const std::string& name : Names(page->jobs)) seen.push_back(name);
    sizes.push_back(page->jobs.size());
    query.page_token = page->next_page_token;
  } while (!query.page_token.empty());
  EXPECT_EQ(seen, expected);
  EXPECT_THAT(sizes, ElementsAre(3, 3, 1));
}

TEST_P(JobStoreTest, ListsFilterByKindAndState) {
  const std::string trained = Submitted(Training("request-1")).name();
  const std::string waiting = Submitted(Generation("request-2")).name();
  ASSERT_THAT(jobs_->Finish(Trained(Leased())), IsOk());

  const auto list = [&](v1::JobKind kind, std::vector<v1::JobState> states) {
    JobQuery query{.tenant = "default"};
    if (kind != v1::JOB_KIND_UNSPECIFIED) query.filter.kinds = {kind};
    query.filter.states = std::move(states);
    const auto page = jobs_->List(query);
    EXPECT_THAT(page, IsOk());
    return Names(page->jobs);
  };
  EXPECT_THAT(list(v1::JOB_KIND_TRAINING, {}), ElementsAre(trained));
  EXPECT_THAT(list(v1::JOB_KIND_GENERATION, {}), ElementsAre(waiting));
  EXPECT_THAT(list(v1::JOB_KIND_UNSPECIFIED, {v1::JOB_STATE_SUCCEEDED}), ElementsAre(trained));
  EXPECT_THAT(list(v1::JOB_KIND_UNSPECIFIED, {v1::JOB_STATE_QUEUED, v1::JOB_STATE_SUCCEEDED}),
              ElementsAre(waiting, trained));
  EXPECT_THAT(list(v1::JOB_KIND_TRAINING, {v1::JOB_STATE_QUEUED}), testing::IsEmpty());
}

TEST_P(JobStoreTest, RefusesAMalformedPageToken) {
  for (const char* token : {"x", "-1", "0", "1x", "99999999999999999999"}) {
    EXPECT_THAT(jobs_->List({.tenant = "default", .page_token = token}), NamesField("page_token"))
        << token;
  }
}

TEST_P(JobStoreTest, ReturnsEventsInOrderAfterASequence) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  ASSERT_THAT(jobs_->Report(ReportOf(grant, 1, 5)), IsOk());

  const auto events = jobs_->EventsAfter("default", grant.job.name(), 3, 2);
  ASSERT_THAT(events, IsOk());
  ASSERT_EQ(events->size(), 2u);
  EXPECT_EQ((*events)[0].sequence(), 4u);
  EXPECT_EQ((*events)[1].sequence(), 5u);
  EXPECT_THAT(*jobs_->EventsAfter("default", grant.job.name(), 7, 10), testing::IsEmpty());
  EXPECT_THAT(*jobs_->EventsAfter("default", grant.job.name(), UINT64_MAX, 10), testing::IsEmpty());
}

TEST_P(JobStoreTest, CancelsAQueuedJobAtOnce) {
  const v1::Job job = Submitted(Generation("request-1"));
  const auto cancelled = jobs_->Cancel("default", job.name());

  ASSERT_THAT(cancelled, IsOk());
  EXPECT_EQ(cancelled->state(), v1::JOB_STATE_CANCELLED);
  EXPECT_TRUE(cancelled->has_finish_time());
  EXPECT_THAT(Story(job.name()), ElementsAre(v1::Event::kQueued, v1::Event::kCancelled));
  EXPECT_TRUE(NothingToLease());
  EXPECT_THAT(jobs_->Cancel("default", job.name()), IsOk());
  EXPECT_EQ(Story(job.name()).size(), 2u) << "cancelling again changes nothing";
}

TEST_P(JobStoreTest, CancelOfARunningJobReachesTheWorkerAndPreventsSuccess) {
  Submitted(Training("request-1"));
  const Grant grant = Leased();
  ASSERT_EQ(*jobs_->Report(ReportOf(grant, 1)), v1::DIRECTIVE_CONTINUE);
  const auto asked = jobs_->Cancel("default", grant.job.name());
  ASSERT_THAT(asked, IsOk());
  EXPECT_EQ(asked->state(), v1::JOB_STATE_RUNNING);
  EXPECT_TRUE(asked->cancel_requested());

  EXPECT_EQ(*jobs_->Report(ReportOf(grant, 2)), v1::DIRECTIVE_CANCEL);
  const auto late = jobs_->Finish(Trained(grant));
  EXPECT_THAT(late, HasCode(absl::StatusCode::kAborted));
  EXPECT_THAT(late, HasReason("CANCEL_REQUESTED"));
  const auto stopped = jobs_->Finish(Stopped(grant));
  ASSERT_THAT(stopped, IsOk());
  EXPECT_EQ(stopped->state(), v1::JOB_STATE_CANCELLED);
  EXPECT_EQ(Story(grant.job.name()).back(), v1::Event::kCancelled);
  EXPECT_THAT(catalog_->ListAdapters({.tenant = "default"})->adapters, testing::IsEmpty());
}

TEST_P(JobStoreTest, CancelOfAFinishedJobChangesNothing) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  ASSERT_THAT(jobs_->Finish(Generated(grant)), IsOk());
  const auto job = jobs_->Cancel("default", grant.job.name());
  ASSERT_THAT(job, IsOk());
  EXPECT_EQ(job->state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_FALSE(job->cancel_requested());
}

TEST_P(JobStoreTest, KeepsEverythingAcrossARestart) {
  const v1::Job queued = Submitted(Training("request-1"));
  const v1::Job other = Submitted(Generation("request-2"));
  const Grant grant = Leased();
  ASSERT_EQ(grant.job.name(), queued.name());
  ASSERT_THAT(jobs_->Report(ReportOf(grant, 1, 3)), IsOk());
  const std::string before = JobNow(queued.name()).SerializeAsString();

  Open();

  EXPECT_EQ(JobNow(queued.name()).SerializeAsString(), before);
  EXPECT_EQ(JobNow(other.name()).SerializeAsString(),
            Submitted(Generation("request-2")).SerializeAsString());
  EXPECT_EQ(Story(queued.name()).size(), 5u);
  EXPECT_THAT(jobs_->Report(ReportOf(grant, 2, 1)), IsOk());
  EXPECT_THAT(jobs_->Finish(Trained(grant)), IsOk());
}

TEST_P(JobStoreTest, CountsQueuedAndRunningJobsByTenantAndKind) {
  EXPECT_TRUE(jobs_->CountQueue()->empty());
  Submitted(Generation("request-1"));
  Submitted(Generation("request-2"));
  Submitted(Training("request-3", "other"));
  clock_.Advance(absl::Seconds(5));
  ASSERT_EQ(Leased().job.kind(), v1::JOB_KIND_GENERATION);
  const auto counts = jobs_->CountQueue();
  ASSERT_THAT(counts, IsOk());
  ASSERT_EQ(counts->size(), 2u);
  EXPECT_EQ(counts->at(0).tenant, "default");
  EXPECT_EQ(counts->at(0).kind, v1::JOB_KIND_GENERATION);
  EXPECT_EQ(counts->at(0).queued, 1);
  EXPECT_EQ(counts->at(0).running, 1);
  EXPECT_EQ(counts->at(0).oldest_wait, absl::Seconds(5));
  EXPECT_EQ(counts->at(1).tenant, "other");
  EXPECT_EQ(counts->at(1).kind, v1::JOB_KIND_TRAINING);
  EXPECT_EQ(counts->at(1).queued, 1);
  EXPECT_EQ(counts->at(1).running, 0);
}

INSTANTIATE_TEST_SUITE_P(Backends, JobStoreTest, StoreBackends(), BackendName);

}  // namespace
}  // namespace vico::server
