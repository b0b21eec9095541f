// The pictures that generations start from, and the display names and labels of new jobs.
#include "server/blobs/blob_rows.h"
#include "server/store/sql_picture_store.h"
#include "tests/server/store/job_store_fixture.h"

namespace vico::server {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class JobPicturesTest : public JobStoreTest {
 protected:
  static std::string Digest(char c) { return std::string(64, c); }

  /// A generation from the picture `init` of a concept, and from `mask` unless that is 0.
  static SubmitRequest FromPicture(const std::string& request_id, char init, char mask = 0) {
    SubmitRequest request = Generation(request_id);
    request.spec.mutable_generate()->set_init_picture("concepts/1/pictures/0");
    request.pictures.init.set_sha256(Digest(init));
    if (mask == 0) return request;
    request.spec.mutable_generate()->set_mask_picture("concepts/1/pictures/1");
    request.pictures.mask.set_sha256(Digest(mask));
    return request;
  }

  std::vector<std::string> UsersOf(char c) {
    std::vector<std::string> users;
    EXPECT_THAT(database_->Read([&](SqlSession& db) -> absl::Status {
      ASSIGN_OR_RETURN(users, UsersOfBlob(db, "default", Digest(c)));
      return absl::OkStatus();
    }),
                IsOk());
    return users;
  }
};

TEST_P(JobPicturesTest, AJobKeepsItsPicturesUntilItIsDeleted) {
  const v1::Job job = Submitted(FromPicture("request-1", 'a', 'b'));
  EXPECT_THAT(UsersOf('a'), ElementsAre(job.name() + "/init_picture"));
  EXPECT_THAT(UsersOf('b'), ElementsAre(job.name() + "/mask_picture"));
  ASSERT_THAT(jobs_->Finish(Released(Leased())), IsOk());
  EXPECT_EQ(UsersOf('a').size(), 1u) << "for the next attempt";
  ASSERT_THAT(jobs_->Finish(Generated(Leased())), IsOk());
  EXPECT_EQ(UsersOf('a').size(), 1u) << "for a retry";
  ASSERT_THAT(jobs_->Delete("default", job.name()), IsOk());
  EXPECT_THAT(UsersOf('a'), IsEmpty());
  EXPECT_THAT(UsersOf('b'), IsEmpty());

  const v1::Job cancelled = Submitted(FromPicture("request-2", 'a', 'a'));
  EXPECT_EQ(UsersOf('a').size(), 2u);
  ASSERT_THAT(jobs_->Cancel("default", cancelled.name()), IsOk());
  EXPECT_EQ(UsersOf('a').size(), 2u);
  ASSERT_THAT(jobs_->Delete("default", cancelled.name()), IsOk());
  EXPECT_THAT(UsersOf('a'), IsEmpty());
}

TEST_P(JobPicturesTest, ThePicturesOfAJobAreFoundAfterItsEnd) {
  const v1::Job job = Submitted(FromPicture("request-1", 'a', 'b'));
  const v1::Job without = Submitted(Generation("request-2"));
  ASSERT_THAT(jobs_->Cancel("default", job.name()), IsOk());
  SqlPictureStore pictures(*database_);
  const auto kept = pictures.FindInputs("default", job.name());
  ASSERT_THAT(kept, IsOk());
  EXPECT_EQ(kept->init.sha256(), Digest('a'));
  EXPECT_EQ(kept->mask.sha256(), Digest('b'));
  EXPECT_EQ(pictures.FindInputs("default", without.name())->init.sha256(), "");
  EXPECT_THAT(pictures.FindInputs("other", job.name()), HasReason("JOB_NOT_FOUND"));
}

TEST_P(JobPicturesTest, EachLeaseNamesThePictures) {
  Submitted(FromPicture("request-1", 'a', 'b'));
  const auto grants = jobs_->Lease(Ask("worker-a", "nonce"));
  ASSERT_THAT(grants, IsOk());
  ASSERT_EQ(grants->size(), 1u);
  const auto repeated = jobs_->Lease(Ask("worker-a", "nonce"));
  ASSERT_THAT(repeated, IsOk());
  ASSERT_EQ(repeated->size(), 1u);
  const auto found = jobs_->FindLease(grants->front().job.name(), grants->front().lease_id);
  ASSERT_THAT(found, IsOk());
  for (const Grant& grant : {grants->front(), repeated->front(), *found}) {
    EXPECT_EQ(grant.pictures.init.sha256(), Digest('a'));
    EXPECT_EQ(grant.pictures.init.media_type(), "image/png");
    EXPECT_EQ(grant.pictures.mask.sha256(), Digest('b'));
  }
  Submitted(FromPicture("request-2", 'c'));
  EXPECT_EQ(Leased("worker-b").pictures.mask.sha256(), "");
  Submitted(Generation("request-3"));
  EXPECT_EQ(Leased("worker-c").pictures.init.sha256(), "");
}

TEST_P(JobPicturesTest, APictureThatIsNotStoredQueuesNothing) {
  EXPECT_THAT(jobs_->Submit(FromPicture("request-1", 'f')), HasReason("BLOB_MISSING"));
  EXPECT_THAT(jobs_->Submit(FromPicture("request-1", 'a', 'f')), HasReason("BLOB_MISSING"));
  EXPECT_TRUE(NothingToLease());
  EXPECT_THAT(UsersOf('a'), IsEmpty());
  EXPECT_THAT(jobs_->Submit(FromPicture("request-1", 'a')), IsOk()) << "the id is unused";
}

TEST_P(JobPicturesTest, ANewJobHasItsNameAndLabelsAtOnce) {
  SubmitRequest request = Generation("request-1");
  request.display_name = "a ball";
  request.labels["team"] = "blue";
  const v1::Job job = Submitted(request);
  EXPECT_EQ(job.display_name(), "a ball");
  EXPECT_EQ(job.labels().at("team"), "blue");
  Open();
  EXPECT_EQ(JobNow(job.name()).display_name(), "a ball");
  EXPECT_EQ(Leased().job.labels().at("team"), "blue");
  EXPECT_EQ(Submitted(request).display_name(), "a ball") << "of a repeat";
}

INSTANTIATE_TEST_SUITE_P(Backends, JobPicturesTest, StoreBackends(), BackendName);

}  // namespace
}  // namespace vico::server
