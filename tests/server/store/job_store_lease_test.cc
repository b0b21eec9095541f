// Leases: grants, reports, expiry and the end of attempts.
#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class JobLeaseTest : public JobStoreTest {};

TEST_P(JobLeaseTest, LeasesTheOldestJob) {
  const v1::Job first = Submitted(Training("request-1"));
  Submitted(Training("request-2"));
  v1::OfferedBaseModel offered;
  offered.mutable_base_model()->set_name(kToyBase);
  offered.mutable_base_model()->set_digest("digest-1");
  ASSERT_THAT(catalog_->SaveBaseModels({offered}), IsOk());

  const Grant grant = Leased("worker-a");

  EXPECT_EQ(grant.job.name(), first.name());
  EXPECT_EQ(grant.job.state(), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(grant.job.attempt(), 1);
  EXPECT_EQ(grant.tenant, "default");
  EXPECT_EQ(grant.base_model_digest, "digest-1");
  EXPECT_TRUE(grant.job.has_start_time());
  ASSERT_THAT(Story(first.name()), ElementsAre(v1::Event::kQueued, v1::Event::kStarted));
  const v1::Event started = Events(first.name())[1];
  EXPECT_EQ(started.started().worker(), "worker-a");
  EXPECT_EQ(started.started().device(), "cpu");
  EXPECT_EQ(started.attempt(), 1);
}

TEST_P(JobLeaseTest, GrantsOnlyBaseModelsOfTheWorker) {
  Submitted(Generation("request-1"));
  LeaseQuery query = Ask("worker-a", "nonce");
  query.base_models = {"baseModels/other"};
  EXPECT_THAT(*jobs_->Lease(query), IsEmpty());
  query.base_models = {};
  EXPECT_THAT(*jobs_->Lease(query), IsEmpty());
  query.base_models = {"baseModels/other", kToyBase};
  EXPECT_EQ(jobs_->Lease(query)->size(), 1u);
}

TEST_P(JobLeaseTest, ATrainingGoesToAWorkerWithAsManyDevices) {
  SubmitRequest wide = Training("request-1");
  wide.spec.mutable_train()->set_batch_size(4);
  wide.spec.mutable_train()->set_devices(2);
  Submitted(wide);
  LeaseQuery query = Ask("worker-a", "nonce-1");
  EXPECT_THAT(*jobs_->Lease(query), IsEmpty());
  Submitted(Training("request-2"));
  const auto narrow = jobs_->Lease(query);
  ASSERT_EQ(narrow->size(), 1u) << "the training behind it";
  EXPECT_EQ(narrow->front().job.spec().train().devices(), 0);
  query = Ask("worker-b", "nonce-2");
  query.devices = 2;
  const auto granted = jobs_->Lease(query);
  ASSERT_EQ(granted->size(), 1u);
  EXPECT_EQ(granted->front().job.spec().train().devices(), 2);
}

TEST_P(JobLeaseTest, ARepeatedNonceReturnsTheSameGrant) {
  Submitted(Generation("request-1"));
  Submitted(Generation("request-2"));
  const auto first = jobs_->Lease(Ask("worker-a", "nonce-1"));
  clock_.Advance(absl::Seconds(29));
  const auto again = jobs_->Lease(Ask("worker-a", "nonce-1"));

  ASSERT_EQ(again->size(), 1u);
  EXPECT_EQ(again->front().lease_id, first->front().lease_id);
  EXPECT_EQ(again->front().job.attempt(), 1);
  EXPECT_EQ(Story(first->front().job.name()).size(), 2u) << "it started once";
  clock_.Advance(absl::Seconds(29));
  EXPECT_EQ(*jobs_->ReturnExpired(), 0) << "the repeat extends the lease";
  EXPECT_NE(jobs_->Lease(Ask("worker-b", "nonce-1"))->front().lease_id, first->front().lease_id)
      << "the nonce of another worker is another nonce";
}

TEST_P(JobLeaseTest, GrantsSeveralGenerationsButOneTraining) {
  for (int i = 0; i < 3; ++i) Submitted(Generation(fmt::format("request-{}", i)));
  Submitted(Training("request-3"));
  Submitted(Generation("request-4"));
  LeaseQuery query = Ask("worker-a", "nonce-1");
  query.max_jobs = 2;
  EXPECT_EQ(jobs_->Lease(query)->size(), 2u);
  query.nonce = "nonce-2";
  query.max_jobs = 8;
  const auto rest = jobs_->Lease(query);
  ASSERT_EQ(rest->size(), 2u) << "the two generations, past the training";
  EXPECT_EQ((*rest)[1].job.kind(), v1::JOB_KIND_GENERATION);
  query.nonce = "nonce-3";
  const auto training = jobs_->Lease(query);
  ASSERT_EQ(training->size(), 1u);
  EXPECT_EQ(training->front().job.kind(), v1::JOB_KIND_TRAINING);
}

TEST_P(JobLeaseTest, GenerationsGrantedTogetherShareTheirBaseModel) {
  Submitted(Generation("request-1"));
  SubmitRequest other = Generation("request-2");
  other.spec.mutable_generate()->set_base_model("baseModels/other");
  Submitted(other);
  Submitted(Generation("request-3"));
  LeaseQuery query = Ask("worker-a", "nonce-1");
  query.base_models = {kToyBase, "baseModels/other"};
  query.max_jobs = 8;
  const auto grants = jobs_->Lease(query);
  ASSERT_EQ(grants->size(), 2u);
  EXPECT_EQ((*grants)[1].job.spec().generate().base_model(), kToyBase);
}

TEST_P(JobLeaseTest, GrantsOnlyKindsThatTheWorkerHasRoomFor) {
  Submitted(Training("request-1"));
  Submitted(Generation("request-2"));
  LeaseQuery query = Ask("worker-a", "nonce-1");
  query.kinds = {v1::JOB_KIND_EVALUATION};
  EXPECT_THAT(*jobs_->Lease(query), IsEmpty());
  query.kinds = {v1::JOB_KIND_GENERATION};
  const auto generation = jobs_->Lease(query);
  ASSERT_EQ(generation->size(), 1u) << "past the older training";
  EXPECT_EQ(generation->front().job.kind(), v1::JOB_KIND_GENERATION);
  query.nonce = "nonce-2";
  EXPECT_THAT(*jobs_->Lease(query), IsEmpty());
  query.kinds = {v1::JOB_KIND_TRAINING, v1::JOB_KIND_EVALUATION};
  const auto training = jobs_->Lease(query);
  ASSERT_EQ(training->size(), 1u);
  EXPECT_EQ(training->front().job.kind(), v1::JOB_KIND_TRAINING);
}

TEST_P(JobLeaseTest, AKindWithoutRoomTakesNoTurnOfItsTenant) {
  Submitted(Training("request-1", "other"));
  Submitted(Generation("request-2"));
  Submitted(Generation("request-3", "other"));
  LeaseQuery query = Ask("worker-a", "nonce-1");
  query.kinds = {v1::JOB_KIND_GENERATION};
  query.max_jobs = 8;
  const auto grants = jobs_->Lease(query);
  ASSERT_EQ(grants->size(), 2u);
  EXPECT_EQ(grants->front().job.kind(), v1::JOB_KIND_GENERATION);
  EXPECT_EQ((*grants)[1].job.kind(), v1::JOB_KIND_GENERATION);
}

TEST_P(JobLeaseTest, ARepeatReturnsTheFirstGrantsThoughTheWorkerHasOtherRoomNow) {
  Submitted(Training("request-1"));
  Submitted(Generation("request-2"));
  LeaseQuery query = Ask("worker-a", "nonce-1");
  query.kinds = {v1::JOB_KIND_TRAINING};
  const auto first = jobs_->Lease(query);
  ASSERT_EQ(first->size(), 1u);
  query.kinds = {v1::JOB_KIND_GENERATION};
  query.max_jobs = 4;
  const auto again = jobs_->Lease(query);
  ASSERT_EQ(again->size(), 1u);
  EXPECT_EQ(again->front().lease_id, first->front().lease_id);
}

TEST_P(JobLeaseTest, TheLeasesOfAWorkerEndOneByOne) {
  for (int i = 0; i < 3; ++i) Submitted(Generation(fmt::format("request-{}", i)));
  LeaseQuery query = Ask("worker-a", "nonce of two");
  query.max_jobs = 2;
  const auto together = jobs_->Lease(query);
  ASSERT_EQ(together->size(), 2u);
  const Grant third = Leased("worker-a");
  clock_.Advance(absl::Seconds(20));
  EXPECT_THAT(jobs_->Report(ReportOf((*together)[0], 1)), IsOk());
  ASSERT_THAT(jobs_->Finish(Released(third)), IsOk());
  clock_.Advance(absl::Seconds(11));

  EXPECT_EQ(*jobs_->ReturnExpired(), 1) << "only the one without a report";
  EXPECT_EQ(JobNow((*together)[0].job.name()).state(), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(JobNow((*together)[1].job.name()).state(), v1::JOB_STATE_QUEUED);
  EXPECT_THAT(jobs_->Finish(Generated((*together)[0])), IsOk());
  EXPECT_THAT(jobs_->Finish(Generated((*together)[1])), HasReason("LEASE_LOST"));
}

TEST_P(JobLeaseTest, TenantsTakeTurns) {
  for (int i = 0; i < 4; ++i) Submitted(Generation(fmt::format("request-{}", i), "many"));
  Submitted(Generation("request-1", "few"));
  Submitted(Generation("request-2", "few"));

  std::vector<std::string> tenants;
  for (int i = 0; i < 6; ++i) tenants.push_back(Leased().tenant);
  EXPECT_THAT(tenants, ElementsAre("few", "many", "few", "many", "many", "many"));
  Submitted(Generation("request-5", "many"));
  Submitted(Generation("request-3", "few"));
  EXPECT_EQ(Leased().tenant, "few") << "whose last turn is longer ago";
}

TEST_P(JobLeaseTest, FindLeaseReturnsLiveLeasesOnly) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  ASSERT_THAT(jobs_->FindLease(grant.job.name(), grant.lease_id), IsOk());
  EXPECT_EQ(jobs_->FindLease(grant.job.name(), grant.lease_id)->tenant, "default");
  EXPECT_THAT(jobs_->FindLease(grant.job.name(), "lease_other"), HasReason("LEASE_LOST"));
  EXPECT_THAT(jobs_->FindLease(grant.job.name(), ""), HasReason("LEASE_LOST"));
  EXPECT_THAT(jobs_->FindLease("jobs/other", grant.lease_id), HasCode(absl::StatusCode::kNotFound));
  ASSERT_THAT(jobs_->Finish(Generated(grant)), IsOk());
  EXPECT_THAT(jobs_->FindLease(grant.job.name(), grant.lease_id), HasReason("LEASE_LOST"));
  EXPECT_THAT(jobs_->FindLease(grant.job.name(), ""), HasReason("LEASE_LOST"));
}

TEST_P(JobLeaseTest, ARepeatedReportAddsItsEventsOnce) {
  Submitted(Training("request-1"));
  const Grant grant = Leased();
  ASSERT_THAT(jobs_->Report(ReportOf(grant, 1, 2)), IsOk());
  ASSERT_THAT(jobs_->Report(ReportOf(grant, 1, 2)), IsOk());
  ASSERT_THAT(jobs_->Report(ReportOf(grant, 2, 1)), IsOk());
  ASSERT_THAT(jobs_->Report(ReportOf(grant, 1, 2)), IsOk());

  EXPECT_EQ(Story(grant.job.name()).size(), 5u);
  EXPECT_EQ(JobNow(grant.job.name()).step(), 201);
  EXPECT_EQ(JobNow(grant.job.name()).total_steps(), 400);
}

TEST_P(JobLeaseTest, AGapInReportNumbersIsRefused) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  EXPECT_THAT(jobs_->Report(ReportOf(grant, 2, 1)), NamesField("report_number"));
  EXPECT_THAT(jobs_->Report(ReportOf(grant, 0, 1)), NamesField("report_number"));
  EXPECT_EQ(Story(grant.job.name()).size(), 2u);
}

TEST_P(JobLeaseTest, RefusesReportedEventsThatOnlyTheServerCreates) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  v1::ReportRequest report = ReportOf(grant, 1, 1);
  report.add_events()->mutable_succeeded();
  EXPECT_THAT(jobs_->Report(report), NamesField("events[1]"));
  report.mutable_events(1)->Clear();
  EXPECT_THAT(jobs_->Report(report), NamesField("events[1]"));
  EXPECT_EQ(Story(grant.job.name()).size(), 2u) << "not even the good half";
}

TEST_P(JobLeaseTest, SetsNumberTimeAndAttemptOfReportedEvents) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  v1::ReportRequest report = ReportOf(grant, 1, 1);
  report.mutable_events(0)->set_sequence(77);
  report.mutable_events(0)->set_attempt(9);
  report.mutable_events(0)->mutable_time()->set_seconds(1);
  ASSERT_THAT(jobs_->Report(report), IsOk());
  const v1::Event event = Events(grant.job.name()).back();
  EXPECT_EQ(event.sequence(), 3u);
  EXPECT_EQ(event.attempt(), 1);
  EXPECT_EQ(event.time().seconds(), absl::ToUnixSeconds(clock_.Now()));
}

TEST_P(JobLeaseTest, ReportedPicturesAppearOncePerIndex) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  v1::ReportRequest report = ReportOf(grant, 1);
  for (const auto& [index, seed] : {std::pair{0, 10}, {1, 11}, {0, 12}}) {
    v1::Picture& picture = *report.add_events()->mutable_picture();
    picture.set_index(index);
    picture.set_seed(static_cast<uint64_t>(seed));
  }
  ASSERT_THAT(jobs_->Report(report), IsOk());
  const v1::Job job = JobNow(grant.job.name());
  ASSERT_EQ(job.pictures_size(), 2);
  EXPECT_EQ(job.pictures(0).seed(), 12u);
  EXPECT_EQ(job.pictures(1).seed(), 11u);
}

TEST_P(JobLeaseTest, AFinishedTrainingHasItsAdapter) {
  SubmitRequest request = Training("request-1");
  Submitted(request);
  const Grant grant = Leased();
  const auto job = jobs_->Finish(Trained(grant));

  ASSERT_THAT(job, IsOk());
  EXPECT_EQ(job->state(), v1::JOB_STATE_SUCCEEDED);
  EXPECT_EQ(JobNow(grant.job.name()).SerializeAsString(), job->SerializeAsString());
  const auto adapter = catalog_->GetAdapter("default", job->adapter());
  ASSERT_THAT(adapter, IsOk());
  EXPECT_EQ(adapter->job(), job->name());
  EXPECT_EQ(adapter->blob().sha256(), std::string(64, 'a'));
  EXPECT_EQ(adapter->reference().sha256(), std::string(64, 'b'));
  EXPECT_EQ(adapter->base_model(), kToyBase);
  EXPECT_EQ(adapter->init_word(), "ball");
  EXPECT_EQ(adapter->placeholder(), "S*");
  EXPECT_EQ(adapter->dialect(), v1::DIALECT_PAPER);
  EXPECT_EQ(adapter->summary().steps(), 400);
  EXPECT_EQ(Events(job->name()).back().succeeded().adapter(), adapter->name());
  EXPECT_EQ(adapter->name().substr(9), job->name().substr(5)) << "the id of its job";
}

TEST_P(JobLeaseTest, ARepeatedFinishReturnsTheFirstAnswer) {
  Submitted(Training("request-1"));
  const Grant grant = Leased();
  const auto first = jobs_->Finish(Trained(grant));
  clock_.Advance(absl::Hours(1));
  const auto second = jobs_->Finish(Trained(grant));

  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second->SerializeAsString(), first->SerializeAsString());
  EXPECT_EQ(Story(grant.job.name()).size(), 3u);
  EXPECT_EQ(catalog_->ListAdapters({.tenant = "default"})->adapters.size(), 1u);
}

TEST_P(JobLeaseTest, ARepeatedFinishAfterAnotherLeaseReturnsTheFirstAnswer) {
  Submitted(Generation("request-1"));
  const Grant first = Leased("worker-a");
  const auto released = jobs_->Finish(Released(first));
  ASSERT_THAT(released, IsOk());
  EXPECT_EQ(released->state(), v1::JOB_STATE_QUEUED);
  const Grant second = Leased("worker-b");

  const auto again = jobs_->Finish(Released(first));
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->SerializeAsString(), released->SerializeAsString());
  EXPECT_THAT(jobs_->FindLease(second.job.name(), second.lease_id), IsOk());
}

TEST_P(JobLeaseTest, RefusesAFinishWithOtherContent) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  ASSERT_THAT(jobs_->Finish(Generated(grant, 1)), IsOk());
  EXPECT_THAT(jobs_->Finish(Generated(grant, 2)), HasReason("LEASE_LOST"));
  EXPECT_THAT(jobs_->Finish(Failed(grant, false)), HasReason("LEASE_LOST"));
  EXPECT_EQ(JobNow(grant.job.name()).pictures_size(), 1);
}

TEST_P(JobLeaseTest, RefusesAMissingResultOrOneOfTheOtherKind) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  EXPECT_THAT(jobs_->Finish(Trained(grant)), NamesField("outcome"));
  EXPECT_THAT(jobs_->Finish(FinishOf(grant)), NamesField("outcome"));
  v1::FinishRequest ok_failure = FinishOf(grant);
  ok_failure.mutable_failure();
  EXPECT_THAT(jobs_->Finish(ok_failure), NamesField("failure.status.code"));
  EXPECT_EQ(JobNow(grant.job.name()).state(), v1::JOB_STATE_RUNNING);
}

TEST_P(JobLeaseTest, RefusesACancelledOutcomeWithoutARequest) {
  Submitted(Generation("request-1"));
  EXPECT_THAT(jobs_->Finish(Stopped(Leased())), HasCode(absl::StatusCode::kFailedPrecondition));
}

TEST_P(JobLeaseTest, ALeaseExpiresAfterItsTime) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  clock_.Advance(absl::Seconds(30));
  EXPECT_EQ(*jobs_->ReturnExpired(), 0);
  clock_.Advance(absl::Microseconds(1));
  EXPECT_EQ(*jobs_->ReturnExpired(), 1);
  EXPECT_EQ(*jobs_->ReturnExpired(), 0);
  EXPECT_EQ(JobNow(grant.job.name()).state(), v1::JOB_STATE_QUEUED);
}

TEST_P(JobLeaseTest, AReportExtendsTheLeaseAlsoWhenRepeated) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  ASSERT_THAT(jobs_->Report(ReportOf(grant, 1)), IsOk());
  for (int i = 0; i < 5; ++i) {
    clock_.Advance(absl::Seconds(25));
    ASSERT_THAT(jobs_->Report(ReportOf(grant, 1)), IsOk());
    EXPECT_EQ(*jobs_->ReturnExpired(), 0);
  }
}

TEST_P(JobLeaseTest, AcceptsALateReportBeforeTheLeaseIsEnded) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  clock_.Advance(absl::Minutes(5));
  EXPECT_THAT(jobs_->Report(ReportOf(grant, 1)), IsOk());
  EXPECT_EQ(*jobs_->ReturnExpired(), 0);
  clock_.Advance(absl::Minutes(5));
  EXPECT_THAT(jobs_->Finish(Generated(grant)), IsOk());
}

TEST_P(JobLeaseTest, AnOldLeaseWritesNothing) {
  Submitted(Training("request-1"));
  const Grant zombie = Leased("worker-a");
  clock_.Advance(absl::Seconds(31));
  ASSERT_EQ(*jobs_->ReturnExpired(), 1);
  EXPECT_THAT(jobs_->Report(ReportOf(zombie, 1, 1)), HasReason("LEASE_LOST"));
  EXPECT_THAT(jobs_->Finish(Trained(zombie)), HasReason("LEASE_LOST"));

  const Grant heir = Leased("worker-b");
  EXPECT_EQ(heir.job.name(), zombie.job.name());
  EXPECT_EQ(heir.job.attempt(), 2);
  EXPECT_THAT(jobs_->Report(ReportOf(zombie, 1, 1)), HasCode(absl::StatusCode::kAborted));
  EXPECT_THAT(jobs_->Finish(Trained(zombie)), HasCode(absl::StatusCode::kAborted));
  EXPECT_THAT(jobs_->Finish(Failed(zombie, false)), HasCode(absl::StatusCode::kAborted));
  EXPECT_THAT(jobs_->Finish(Released(zombie)), HasCode(absl::StatusCode::kAborted));
  EXPECT_THAT(catalog_->ListAdapters({.tenant = "default"})->adapters, IsEmpty());
  EXPECT_THAT(Story(heir.job.name()), ElementsAre(v1::Event::kQueued, v1::Event::kStarted,
                                                  v1::Event::kQueued, v1::Event::kStarted));
  EXPECT_THAT(jobs_->Finish(Trained(heir)), IsOk());
}

TEST_P(JobLeaseTest, AWallClockStepEndsNoLease) {
  Submitted(Generation("request-1"));
  Leased();
  clock_.JumpWall(absl::Hours(2));
  EXPECT_EQ(*jobs_->ReturnExpired(), 0);
  clock_.JumpWall(absl::Hours(-4));
  clock_.Advance(absl::Seconds(31));
  EXPECT_EQ(*jobs_->ReturnExpired(), 1);
}

TEST_P(JobLeaseTest, ATrainingKeepsItsTwoNewestCheckpoints) {
  const v1::Job job = Submitted(Training("request-1"));
  const auto steps_of = [](const Grant& grant) {
    std::vector<int64_t> steps;
    for (const auto& kept : grant.checkpoints.newest_first()) steps.push_back(kept.step());
    return steps;
  };
  const Grant first = Leased();
  EXPECT_THAT(steps_of(first), IsEmpty());
  for (int i = 1; i <= 3; ++i) {
    v1::ReportRequest report = ReportOf(first, static_cast<uint64_t>(i));
    auto& checkpoint = *report.add_events()->mutable_checkpoint();
    checkpoint.set_step(50 * i);
    checkpoint.mutable_blob()->set_sha256(std::string(64, static_cast<char>('a' + i - 1)));
    ASSERT_THAT(jobs_->Report(report), IsOk());
  }
  EXPECT_THAT(jobs_->Finish(Released(first)), IsOk());
  const Grant second = Leased();
  EXPECT_THAT(steps_of(second), ElementsAre(150, 100));
  EXPECT_EQ(second.checkpoints.newest_first(0).blob().sha256(), std::string(64, 'c'));
  // Clients see the checkpoint without its blob.
  const auto events = jobs_->EventsAfter("default", job.name(), 0, 100);
  ASSERT_THAT(events, IsOk());
  for (const v1::Event& event : *events) EXPECT_FALSE(event.checkpoint().has_blob());
  EXPECT_EQ(std::ranges::count_if(*events, [](const auto& e) { return e.has_checkpoint(); }), 3);

  // A repeated step replaces its checkpoint, so two different steps are kept.
  v1::ReportRequest again = ReportOf(second, 1);
  again.add_events()->mutable_checkpoint()->set_step(150);
  ASSERT_THAT(jobs_->Report(again), IsOk());
  EXPECT_THAT(jobs_->Finish(Released(second)), IsOk());
  const Grant third = Leased();
  EXPECT_THAT(steps_of(third), ElementsAre(150, 100));
  EXPECT_THAT(jobs_->Finish(Failed(third, /*retryable=*/false)), IsOk());
  ASSERT_THAT(database_->Read([](SqlSession& db) -> absl::Status {
    return db.Query("SELECT length(checkpoints) FROM job", {}, [](const SqlRow& row) {
      EXPECT_EQ(row.Int(0), 0);
      return absl::OkStatus();
    });
  }),
              IsOk());
}

TEST_P(JobLeaseTest, ADeadEngineCountsAsACrash) {
  const v1::Job job = Submitted(Generation("request-1"));
  for (int i = 0; i < kCrashBudget; ++i) {
    v1::FinishRequest crashed = Failed(Leased(), true);
    crashed.mutable_failure()->set_crashed(true);
    ASSERT_THAT(jobs_->Finish(crashed), IsOk());
  }
  EXPECT_EQ(JobNow(job.name()).state(), v1::JOB_STATE_FAILED);
  EXPECT_THAT(FromProto(JobNow(job.name()).error()), HasReason("WORKER_LOST"));
}

TEST_P(JobLeaseTest, TheThirdCrashFailsTheJob) {
  const v1::Job job = Submitted(Generation("request-1"));
  for (int i = 0; i < kCrashBudget; ++i) {
    Leased();
    clock_.Advance(absl::Seconds(31));
    ASSERT_EQ(*jobs_->ReturnExpired(), 1);
  }
  const v1::Job failed = JobNow(job.name());
  EXPECT_EQ(failed.state(), v1::JOB_STATE_FAILED);
  EXPECT_EQ(failed.attempt(), 3);
  EXPECT_THAT(FromProto(failed.error()), HasReason("WORKER_LOST"));
  EXPECT_THAT(FromProto(Events(job.name()).back().failed().status()), HasReason("WORKER_LOST"));
  EXPECT_TRUE(NothingToLease());
}

TEST_P(JobLeaseTest, AnExpiredLeaseCancelsAJobWithTheFlag) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  ASSERT_THAT(jobs_->Cancel("default", grant.job.name()), IsOk());
  clock_.Advance(absl::Seconds(31));
  ASSERT_EQ(*jobs_->ReturnExpired(), 1);
  EXPECT_EQ(JobNow(grant.job.name()).state(), v1::JOB_STATE_CANCELLED);
}

TEST_P(JobLeaseTest, APermanentFailureFailsTheJob) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  ASSERT_THAT(jobs_->Finish(Failed(grant, false)), IsOk());
  const v1::Job job = JobNow(grant.job.name());
  EXPECT_EQ(job.state(), v1::JOB_STATE_FAILED);
  EXPECT_THAT(FromProto(job.error()), HasReason("ENGINE_DIED"));
  EXPECT_EQ(Events(job.name()).back().failed().status().message(), "the engine died");
}

TEST_P(JobLeaseTest, RetriesAreImmediateOnceAndDelayedLater) {
  Submitted(Generation("request-1"));
  ASSERT_THAT(jobs_->Finish(Failed(Leased(), true)), IsOk());
  ASSERT_THAT(jobs_->Finish(Failed(Leased(), true)), IsOk());
  EXPECT_TRUE(NothingToLease());
  clock_.Advance(RetryDelay(2, 0.5) - absl::Milliseconds(1));
  EXPECT_TRUE(NothingToLease());
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(Leased().job.attempt(), 3);
}

TEST_P(JobLeaseTest, TheFifthFailureFailsTheJob) {
  const v1::Job job = Submitted(Generation("request-1"));
  for (int i = 0; i < kFailureBudget; ++i) {
    clock_.Advance(absl::Minutes(10));
    ASSERT_THAT(jobs_->Finish(Failed(Leased(), true)), IsOk());
  }
  const v1::Job failed = JobNow(job.name());
  EXPECT_EQ(failed.state(), v1::JOB_STATE_FAILED);
  EXPECT_THAT(FromProto(failed.error()), HasReason("RETRIES_SPENT"));
  EXPECT_THAT(failed.error().message(), testing::HasSubstr("the engine died"));
}

TEST_P(JobLeaseTest, AReleaseUsesNoBudget) {
  Submitted(Generation("request-1"));
  for (int i = 0; i < 20; ++i) ASSERT_THAT(jobs_->Finish(Released(Leased())), IsOk());
  const Grant grant = Leased();
  EXPECT_EQ(grant.job.attempt(), 21);
  EXPECT_THAT(jobs_->Finish(Generated(grant)), IsOk());
}

TEST_P(JobLeaseTest, AfterACancelEveryOutcomeIsCancelled) {
  for (const bool release : {false, true}) {
    Submitted(Generation(release ? "request-1" : "request-2"));
    const Grant grant = Leased();
    ASSERT_THAT(jobs_->Cancel("default", grant.job.name()), IsOk());
    ASSERT_THAT(jobs_->Finish(release ? Released(grant) : Failed(grant, true)), IsOk());
    EXPECT_EQ(JobNow(grant.job.name()).state(), v1::JOB_STATE_CANCELLED);
  }
}

TEST_P(JobLeaseTest, ARestartExtendsLeases) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  clock_.Advance(absl::Hours(1));
  Open();
  EXPECT_TRUE(*jobs_->KeepsHouse(/*leader=*/true));
  clock_.Advance(absl::Seconds(30));
  EXPECT_EQ(*jobs_->ReturnExpired(), 0);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(*jobs_->ReturnExpired(), 1);
}

TEST_P(JobLeaseTest, ARestartEndsWaitsBeforeRetries) {
  Submitted(Generation("request-1"));
  ASSERT_THAT(jobs_->Finish(Failed(Leased(), true)), IsOk());
  ASSERT_THAT(jobs_->Finish(Failed(Leased(), true)), IsOk());
  ASSERT_TRUE(NothingToLease());
  Open();
  EXPECT_TRUE(*jobs_->KeepsHouse(/*leader=*/true));
  EXPECT_EQ(Leased().job.attempt(), 3);
}

TEST_P(JobLeaseTest, AttemptsAfterTheFirstStartAtStepZeroButKeepTheirStartTime) {
  Submitted(Training("request-1"));
  const Grant first = Leased();
  ASSERT_THAT(jobs_->Report(ReportOf(first, 1, 1)), IsOk());
  clock_.Advance(absl::Seconds(10));
  ASSERT_THAT(jobs_->Finish(Released(first)), IsOk());
  const Grant second = Leased();
  EXPECT_EQ(second.job.step(), 0);
  EXPECT_EQ(second.job.start_time().seconds(), first.job.start_time().seconds());
  EXPECT_THAT(jobs_->Report(ReportOf(second, 1, 1)), IsOk()) << "report numbers start anew";
}

INSTANTIATE_TEST_SUITE_P(Backends, JobLeaseTest, StoreBackends(), BackendName);

}  // namespace
}  // namespace vico::server
