// Trainings that continue an adapter, and the checkpoints that are kept for them.
#include "server/blobs/blob_rows.h"
#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr absl::Duration kOneDay = absl::Hours(24);

class ContinuedTrainingTest : public JobStoreTest {
 protected:
  std::vector<std::string> UsersOf(char digit) {
    std::vector<std::string> users;
    EXPECT_THAT(database_->Read([&](SqlSession& db) -> absl::Status {
      ASSIGN_OR_RETURN(users, UsersOfBlob(db, "default", std::string(64, digit)));
      return absl::OkStatus();
    }),
                IsOk());
    return users;
  }

  void ReportCheckpoint(const Grant& grant, uint64_t number, int64_t step, char digit) {
    v1::ReportRequest report = ReportOf(grant, number);
    v1::Event::Checkpoint& checkpoint = *report.add_events()->mutable_checkpoint();
    checkpoint.set_step(step);
    checkpoint.mutable_blob()->set_sha256(std::string(64, digit));
    EXPECT_THAT(jobs_->Report(report), IsOk());
  }

  /// A training of 400 steps with checkpoints at 350 (a) and `last_step` (c).
  v1::Job TrainedJob(int64_t last_step = 400) {
    Submitted(Training("request-1"));
    const Grant grant = Leased();
    ReportCheckpoint(grant, 1, 350, 'a');
    ReportCheckpoint(grant, 2, last_step, 'c');
    const auto job = jobs_->Finish(Trained(grant));
    EXPECT_THAT(job, IsOk());
    return job.ok() ? *job : v1::Job();
  }

  static SubmitRequest Continuing(const v1::Job& training, const std::string& request_id) {
    SubmitRequest request;
    request.key = {"default", request_id, "hash of " + request_id};
    request.spec = training.spec();
    v1::TrainSpec& spec = *request.spec.mutable_train();
    spec.set_continued_adapter(training.adapter());
    spec.set_continued_steps(400);
    spec.set_steps(500);
    return request;
  }

  void Keep(absl::Duration checkpoints) {
    options_.retention.checkpoints = checkpoints;
    Open();
  }
};

TEST_P(ContinuedTrainingTest, ASucceededTrainingKeepsItsNewestCheckpointForAWeek) {
  const std::string user = TrainedJob().name() + "/checkpoints";
  EXPECT_THAT(UsersOf('a'), testing::Not(testing::Contains(user)));
  EXPECT_THAT(UsersOf('c'), ElementsAre(user));
  clock_.Advance(7 * kOneDay);
  EXPECT_EQ(*jobs_->DeleteOld(), 0);
  clock_.Advance(absl::Seconds(1));
  EXPECT_EQ(*jobs_->DeleteOld(), 1);
  EXPECT_THAT(UsersOf('c'), IsEmpty());
  EXPECT_EQ(*jobs_->DeleteOld(), 0);
}

TEST_P(ContinuedTrainingTest, TheCheckpointGoesWithTheJob) {
  const std::string job = TrainedJob().name();
  ASSERT_THAT(jobs_->Delete("default", job), IsOk());
  EXPECT_THAT(UsersOf('c'), IsEmpty());
}

TEST_P(ContinuedTrainingTest, AServerMayKeepNone) {
  Keep(absl::ZeroDuration());
  TrainedJob();
  EXPECT_THAT(UsersOf('c'), IsEmpty());
  EXPECT_EQ(*jobs_->DeleteOld(), 0);
}

TEST_P(ContinuedTrainingTest, ACheckpointThatIsLostDoesNotKeepTheTrainingFromItsEnd) {
  Submitted(Training("request-1"));
  const Grant grant = Leased();
  ReportCheckpoint(grant, 1, 350, 'a');
  ReportCheckpoint(grant, 2, 400, 'c');
  ASSERT_THAT(database_->Write([](SqlSession& db) {
    return db.Script("UPDATE blob SET state = 'deleting' WHERE sha256 LIKE 'cccc%'");
  }),
              IsOk());
  ASSERT_THAT(jobs_->Finish(Trained(grant)), IsOk());
  EXPECT_THAT(UsersOf('a'), testing::Contains(grant.job.name() + "/checkpoints"));
}

TEST_P(ContinuedTrainingTest, TheNextTrainingStartsFromTheCheckpointAndKeepsItAlive) {
  const v1::Job first = TrainedJob();
  const v1::Job second = Submitted(Continuing(first, "request-2"));
  EXPECT_EQ(second.total_steps(), 500);
  ASSERT_THAT(jobs_->Delete("default", first.name()), IsOk());
  EXPECT_THAT(UsersOf('c'), ElementsAre(second.name() + "/checkpoints"));
  const Grant grant = Leased();
  ASSERT_EQ(grant.checkpoints.newest_first_size(), 1);
  EXPECT_EQ(grant.checkpoints.newest_first(0).step(), 400);
  ReportCheckpoint(grant, 1, 450, 'b');
  ASSERT_THAT(jobs_->Finish(Released(grant)), IsOk());
  const Grant again = Leased();
  ASSERT_EQ(again.checkpoints.newest_first_size(), 2);
  EXPECT_EQ(again.checkpoints.newest_first(0).step(), 450);
  ASSERT_THAT(jobs_->Cancel("default", second.name()), IsOk());
  ASSERT_THAT(jobs_->Finish(Stopped(again)), IsOk());
  EXPECT_THAT(UsersOf('c'), IsEmpty());
}

TEST_P(ContinuedTrainingTest, ACheckpointBeforeTheLastStepIsNotOne) {
  const v1::Job first = TrainedJob(/*last_step=*/390);
  Submitted(Continuing(first, "request-2"));
  EXPECT_THAT(Leased().checkpoints.newest_first(), IsEmpty());
}

TEST_P(ContinuedTrainingTest, ItUsesTheAdapterButIsNotListedWithIt) {
  const v1::Job first = TrainedJob();
  const v1::Job second = Submitted(Continuing(first, "request-2"));
  EXPECT_THAT(catalog_->DeleteAdapter("default", first.adapter()), HasReason("IN_USE"));
  const auto page = jobs_->List({.tenant = "default", .filter = {.adapter = first.adapter()}});
  ASSERT_THAT(page, IsOk());
  ASSERT_EQ(page->jobs.size(), 1U);
  EXPECT_EQ(page->jobs[0].name(), first.name());
  ASSERT_THAT(jobs_->Cancel("default", second.name()), IsOk());
  ASSERT_THAT(catalog_->DeleteAdapter("default", first.adapter()), IsOk());
  EXPECT_THAT(jobs_->Submit(Continuing(first, "request-3")), HasCode(absl::StatusCode::kNotFound));
}

INSTANTIATE_TEST_SUITE_P(Backends, ContinuedTrainingTest, StoreBackends(), BackendName);

}  // namespace
}  // namespace vico::server
