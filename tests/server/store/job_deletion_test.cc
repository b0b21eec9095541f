// The end of jobs: DeleteJob, the retention of finished jobs, and the time of request ids.
#include "server/blobs/blob_rows.h"
#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr absl::Duration kDay = absl::Hours(24);

class JobDeletionTest : public JobStoreTest {
 protected:
  int64_t Count(const std::string& sql) {
    int64_t count = -1;
    EXPECT_THAT(database_->Read([&](SqlSession& db) -> absl::Status {
      ASSIGN_OR_RETURN(count, db.QueryInt(sql, {}, 0));
      return absl::OkStatus();
    }),
                IsOk());
    return count;
  }

  /// A generation that ended with a picture.
  std::string Ended(const std::string& request_id) {
    Submitted(Generation(request_id));
    const Grant grant = Leased();
    EXPECT_THAT(jobs_->Report(ReportOf(grant, 1, 3)), IsOk());
    v1::FinishRequest finish = Generated(grant);
    finish.mutable_generated()->mutable_pictures(0)->mutable_blob()->set_sha256(
        std::string(64, 'a'));
    EXPECT_THAT(jobs_->Finish(finish), IsOk());
    return grant.job.name();
  }

  std::string Cancelled(const std::string& request_id) {
    const std::string job = Submitted(Generation(request_id)).name();
    EXPECT_THAT(jobs_->Cancel("default", job), IsOk());
    return job;
  }

  void Keep(absl::Duration finished_jobs) {
    options_.retention.finished_jobs = finished_jobs;
    Open();
  }
};

TEST_P(JobDeletionTest, NothingOfADeletedJobStaysButItsRequestId) {
  const std::string job = Ended("request-1");
  ASSERT_GT(Count("SELECT count(*) FROM event"), 3);
  ASSERT_EQ(Count("SELECT count(*) FROM finish"), 1);
  ASSERT_EQ(Count("SELECT count(*) FROM blob_use"), 1);
  EXPECT_THAT(jobs_->Delete("default", job), IsOk());
  for (const char* table : {"job", "event", "finish", "blob_use"}) {
    EXPECT_EQ(Count(std::string("SELECT count(*) FROM ") + table), 0) << table;
  }
  EXPECT_EQ(Count("SELECT count(*) FROM request"), 1);
  EXPECT_THAT(jobs_->Get("default", job), HasReason("JOB_NOT_FOUND"));
  EXPECT_THAT(jobs_->EventsAfter("default", job, 0, 10), HasReason("JOB_NOT_FOUND"));
  EXPECT_THAT(jobs_->Cancel("default", job), HasReason("JOB_NOT_FOUND"));
  EXPECT_THAT(jobs_->List({.tenant = "default"})->jobs, IsEmpty());
  EXPECT_THAT(jobs_->Delete("default", job), HasReason("JOB_NOT_FOUND"));
}

TEST_P(JobDeletionTest, TheBlobsAgeCountsFromTheDeletion) {
  const std::string job = Ended("request-1");
  clock_.Advance(10 * kDay);
  ASSERT_THAT(jobs_->Delete("default", job), IsOk());
  EXPECT_EQ(Count("SELECT time FROM blob WHERE tenant = 'default' AND sha256 LIKE 'aaa%'"),
            absl::ToUnixMicros(time_->Now()));
}

TEST_P(JobDeletionTest, OnlyAFinishedJobIsDeleted) {
  const std::string queued = Submitted(Generation("request-1")).name();
  EXPECT_THAT(jobs_->Delete("default", queued), HasReason("JOB_NOT_FINISHED"));
  const Grant grant = Leased();
  EXPECT_THAT(jobs_->Delete("default", queued), HasReason("JOB_NOT_FINISHED"));
  ASSERT_THAT(jobs_->Cancel("default", queued), IsOk());
  EXPECT_THAT(jobs_->Delete("default", queued), HasReason("JOB_NOT_FINISHED"));
  ASSERT_THAT(jobs_->Finish(Stopped(grant)), IsOk());
  EXPECT_THAT(jobs_->Delete("default", queued), IsOk());
  const std::string failed = Submitted(Generation("request-2")).name();
  ASSERT_THAT(jobs_->Finish(Failed(Leased(), false)), IsOk());
  EXPECT_THAT(jobs_->Delete("default", failed), IsOk());
}

TEST_P(JobDeletionTest, AnotherTenantsJobIsNotFound) {
  const std::string job = Ended("request-1");
  EXPECT_THAT(jobs_->Delete("other", job), HasReason("JOB_NOT_FOUND"));
  EXPECT_THAT(jobs_->Get("default", job), IsOk());
}

TEST_P(JobDeletionTest, TheAdapterOfATrainingStays) {
  Submitted(Training("request-1"));
  const auto job = jobs_->Finish(Trained(Leased()));
  ASSERT_THAT(job, IsOk());
  ASSERT_THAT(jobs_->Delete("default", job->name()), IsOk());
  EXPECT_THAT(catalog_->GetAdapter("default", job->adapter()), IsOk());
  EXPECT_EQ(Count("SELECT count(*) FROM blob_use"), 2) << "file and reference";
}

TEST_P(JobDeletionTest, AFinishThatComesLateFindsNoJob) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  ASSERT_THAT(jobs_->Finish(Generated(grant)), IsOk());
  ASSERT_THAT(jobs_->Delete("default", grant.job.name()), IsOk());
  EXPECT_THAT(jobs_->Finish(Generated(grant)), HasReason("JOB_NOT_FOUND"));
  EXPECT_THAT(jobs_->Report(ReportOf(grant, 1)), HasReason("JOB_NOT_FOUND"));
}

TEST_P(JobDeletionTest, ARepeatedRequestOfADeletedJobCreatesNothingForThirtyDays) {
  const std::string job = Ended("request-1");
  ASSERT_THAT(jobs_->Delete("default", job), IsOk());
  clock_.Advance(30 * kDay);
  EXPECT_EQ(*jobs_->DeleteOld(), 0);
  EXPECT_THAT(jobs_->FindByRequest(Generation("request-1").key),
              HasReason("REQUEST_RESULT_DELETED"));
  EXPECT_THAT(jobs_->Submit(Generation("request-1")), HasReason("REQUEST_RESULT_DELETED"));
  SubmitRequest other = Generation("request-1");
  other.key.body_hash = "another";
  EXPECT_THAT(jobs_->Submit(other), HasReason("REQUEST_ID_REUSED"));
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(*jobs_->DeleteOld(), 1);
  EXPECT_THAT(jobs_->FindByRequest(Generation("request-1").key), HasReason("REQUEST_IS_NEW"));
  EXPECT_NE(Submitted(Generation("request-1")).name(), job);
}

TEST_P(JobDeletionTest, TheRequestIdsOfConceptsAndAdaptersLastAsLong) {
  const RequestKey first{"default", "request-1", "h"};
  const RequestKey second{"default", "request-2", "h"};
  const auto pictures = catalog_->CreateConcept(first, {});
  const auto adapter = catalog_->CreateAdapter(second, {});
  ASSERT_THAT(catalog_->DeleteConcept("default", pictures->name()), IsOk());
  ASSERT_THAT(catalog_->DeleteAdapter("default", adapter->name()), IsOk());
  EXPECT_THAT(catalog_->CreateConcept(first, {}), HasReason("REQUEST_RESULT_DELETED"));
  EXPECT_THAT(catalog_->CreateAdapter(second, {}), HasReason("REQUEST_RESULT_DELETED"));
  clock_.Advance(31 * kDay);
  EXPECT_EQ(*jobs_->DeleteOld(), 2);
  EXPECT_THAT(catalog_->CreateConcept(first, {}), IsOk());
}

TEST_P(JobDeletionTest, TheRequestIdOfAnExistingJobStaysForEver) {
  const std::string job = Ended("request-1");
  clock_.Advance(1000 * kDay);
  EXPECT_EQ(*jobs_->DeleteOld(), 0);
  EXPECT_EQ(jobs_->FindByRequest(Generation("request-1").key)->name(), job);
}

TEST_P(JobDeletionTest, FinishedJobsAreKeptUnlessARetentionIsGiven) {
  Ended("request-1");
  clock_.Advance(1000 * kDay);
  EXPECT_EQ(*jobs_->DeleteOld(), 0);
  Keep(30 * kDay);
  EXPECT_EQ(*jobs_->DeleteOld(), 1);
  EXPECT_EQ(Count("SELECT count(*) FROM job"), 0);
}

TEST_P(JobDeletionTest, ARetentionSparesYoungAndUnfinishedJobs) {
  Keep(kDay);
  Ended("request-1");
  Submitted(Generation("request-2"));
  const Grant running = Leased();
  Submitted(Generation("request-3"));
  clock_.Advance(kDay);
  EXPECT_EQ(*jobs_->DeleteOld(), 0);
  const std::string young = Cancelled("request-4");
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(*jobs_->DeleteOld(), 1);
  EXPECT_THAT(jobs_->Get("default", running.job.name()), IsOk());
  EXPECT_THAT(jobs_->Get("default", young), IsOk());
  EXPECT_THAT(jobs_->List({.tenant = "default"})->jobs, SizeIs(3));
}

TEST_P(JobDeletionTest, ATurnDeletesABoundedNumberOfJobsAndEvents) {
  Keep(kDay);
  for (int i = 0; i < 45; ++i) Ended(fmt::format("request-{}", i));
  clock_.Advance(2 * kDay);
  EXPECT_EQ(*jobs_->DeleteOld(), 20);
  EXPECT_EQ(*jobs_->DeleteOld(), 20);
  EXPECT_EQ(*jobs_->DeleteOld(), 5);
  EXPECT_EQ(*jobs_->DeleteOld(), 0);
  for (int i = 0; i < 3; ++i) {
    Submitted(Generation(fmt::format("long-{}", i)));
    const Grant grant = Leased();
    for (uint64_t report = 1; report <= 16; ++report) {
      ASSERT_THAT(jobs_->Report(ReportOf(grant, report, 64)), IsOk());
    }
    ASSERT_THAT(jobs_->Finish(Generated(grant, 0)), IsOk());
  }
  clock_.Advance(2 * kDay);
  EXPECT_EQ(*jobs_->DeleteOld(), 1) << "two have more than 2000 events";
  EXPECT_EQ(*jobs_->DeleteOld(), 1);
  EXPECT_EQ(*jobs_->DeleteOld(), 1);
}

INSTANTIATE_TEST_SUITE_P(Backends, JobDeletionTest, StoreBackends(), BackendName);

}  // namespace
}  // namespace vico::server
