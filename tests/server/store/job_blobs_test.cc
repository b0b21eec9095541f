// What jobs, adapters and concepts name, and for how long.
#include "server/blobs/blob_rows.h"
#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class JobBlobsTest : public JobStoreTest {
 protected:
  /// The digest of a stored blob for a, b and c, otherwise of a missing one.
  static std::string Digest(char c) { return std::string(64, c); }

  std::vector<std::string> UsersOf(char c) {
    std::vector<std::string> users;
    EXPECT_THAT(database_->Read([&](SqlSession& db) -> absl::Status {
      ASSIGN_OR_RETURN(users, UsersOfBlob(db, "default", Digest(c)));
      return absl::OkStatus();
    }),
                IsOk());
    return users;
  }

  static v1::ReportRequest CheckpointAt(const Grant& grant, uint64_t number, char c) {
    v1::ReportRequest report = ReportOf(grant, number);
    auto& checkpoint = *report.add_events()->mutable_checkpoint();
    checkpoint.set_step(static_cast<int64_t>(number) * 50);
    checkpoint.mutable_blob()->set_sha256(Digest(c));
    return report;
  }
};

TEST_P(JobBlobsTest, AReportThatReferencesAMissingBlobWritesNothing) {
  Submitted(Generation("request-1"));
  const Grant grant = Leased();
  v1::ReportRequest report = ReportOf(grant, 1, 1);
  report.add_events()->mutable_preview()->mutable_blob()->set_sha256(Digest('f'));
  EXPECT_THAT(jobs_->Report(report), HasReason("BLOB_MISSING"));
  EXPECT_EQ(Story(grant.job.name()).size(), 2u);
  report.mutable_events(1)->mutable_preview()->mutable_blob()->set_sha256(Digest('a'));
  EXPECT_THAT(jobs_->Report(report), IsOk());
  EXPECT_THAT(UsersOf('a'), ElementsAre(grant.job.name()));
}

TEST_P(JobBlobsTest, RefusesAResultWhoseBlobIsBeingDeleted) {
  Submitted(Training("request-1"));
  const Grant grant = Leased();
  ASSERT_THAT(database_->Write([](SqlSession& db) {
    return db.Script("UPDATE blob SET state = 'deleting' WHERE sha256 LIKE 'aaaa%'");
  }),
              IsOk());
  EXPECT_THAT(jobs_->Finish(Trained(grant)), HasReason("BLOB_MISSING"));
  EXPECT_EQ(JobNow(grant.job.name()).state(), v1::JOB_STATE_RUNNING);
  EXPECT_THAT(UsersOf('b'), IsEmpty());
}

TEST_P(JobBlobsTest, AnAdapterReferencesItsBlobsUntilItIsDeleted) {
  Submitted(Training("request-1"));
  const Grant grant = Leased();
  const auto job = jobs_->Finish(Trained(grant));
  ASSERT_THAT(job, IsOk());
  EXPECT_THAT(UsersOf('a'), ElementsAre(job->adapter()));
  EXPECT_THAT(UsersOf('b'), ElementsAre(job->adapter()));
  ASSERT_THAT(catalog_->DeleteAdapter("default", job->adapter()), IsOk());
  EXPECT_THAT(UsersOf('a'), IsEmpty());
}

TEST_P(JobBlobsTest, AConceptReferencesItsPicturesUntilItIsDeleted) {
  v1::Concept uploaded;
  uploaded.add_pictures()->mutable_blob()->set_sha256(Digest('a'));
  const auto one = catalog_->CreateConcept({"default", "request-1", "h"}, uploaded);
  const auto two = catalog_->CreateConcept({"default", "request-2", "h"}, uploaded);
  EXPECT_THAT(UsersOf('a'), UnorderedElementsAre(one->name(), two->name()));
  ASSERT_THAT(catalog_->DeleteConcept("default", one->name()), IsOk());
  EXPECT_THAT(UsersOf('a'), ElementsAre(two->name()));
  uploaded.add_pictures()->mutable_blob()->set_sha256(Digest('f'));
  EXPECT_THAT(catalog_->CreateConcept({"default", "request-3", "h"}, uploaded),
              HasReason("BLOB_MISSING"));
}

TEST_P(JobBlobsTest, AJobReferencesItsTwoNewestCheckpointsUntilItEnds) {
  const v1::Job job = Submitted(Training("request-1"));
  const std::string user = job.name() + "/checkpoints";
  const Grant grant = Leased();
  ASSERT_THAT(jobs_->Report(CheckpointAt(grant, 1, 'a')), IsOk());
  ASSERT_THAT(jobs_->Report(CheckpointAt(grant, 2, 'b')), IsOk());
  EXPECT_THAT(UsersOf('a'), ElementsAre(user));
  ASSERT_THAT(jobs_->Report(CheckpointAt(grant, 3, 'c')), IsOk());
  EXPECT_THAT(UsersOf('a'), IsEmpty());
  EXPECT_THAT(UsersOf('b'), ElementsAre(user));
  EXPECT_THAT(UsersOf('c'), ElementsAre(user));
  EXPECT_THAT(jobs_->Report(CheckpointAt(grant, 4, 'f')), HasReason("BLOB_MISSING"));
  EXPECT_THAT(UsersOf('c'), ElementsAre(user)) << "what was refused changed nothing";

  ASSERT_THAT(jobs_->Finish(Released(grant)), IsOk());
  EXPECT_THAT(UsersOf('c'), ElementsAre(user)) << "the next attempt starts from it";
  ASSERT_THAT(jobs_->Finish(Failed(Leased(), false)), IsOk());
  EXPECT_THAT(UsersOf('b'), IsEmpty());
  EXPECT_THAT(UsersOf('c'), IsEmpty());
}

TEST_P(JobBlobsTest, ABaseModelReferencesItsNewestTokenizer) {
  const auto offer = [&](char vocabulary) {
    v1::OfferedBaseModel offered;
    offered.mutable_base_model()->set_name(kToyBase);
    offered.mutable_vocabulary()->set_sha256(Digest(vocabulary));
    return catalog_->SaveBaseModels({offered});
  };
  const auto users = [&](char c) {
    int64_t count = 0;
    EXPECT_THAT(database_->Read([&](SqlSession& db) -> absl::Status {
      ASSIGN_OR_RETURN(const auto found, UsersOfBlob(db, kSystemTenant, Digest(c)));
      count = static_cast<int64_t>(found.size());
      return absl::OkStatus();
    }),
                IsOk());
    return count;
  };
  ASSERT_THAT(offer('a'), IsOk());
  ASSERT_THAT(offer('b'), IsOk());
  EXPECT_EQ(users('a'), 0);
  EXPECT_EQ(users('b'), 1);
  EXPECT_THAT(offer('f'), HasReason("BLOB_MISSING"));
  EXPECT_EQ(users('b'), 1);
}

INSTANTIATE_TEST_SUITE_P(Backends, JobBlobsTest, StoreBackends(), BackendName);

}  // namespace
}  // namespace vico::server
