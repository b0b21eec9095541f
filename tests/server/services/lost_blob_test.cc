// Stored bytes that vanish or change on the disk: every call that needs them says whose they are,
// and the same bytes, sent again, repair them.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "tests/server/blob_file.h"
#include "tests/server/server_fixture.h"

namespace vico::server {
namespace {

using testing::HasSubstr;

class LostBlobTest : public ServerTest {
 protected:
  LostBlobTest() { EXPECT_THAT(Register(), IsOk()); }

  std::string PathOf(const v1::BlobRef& blob) const {
    return BlobFile(data_, "default", blob.sha256());
  }

  void Lose(const v1::BlobRef& blob) const {
    ASSERT_TRUE(std::filesystem::remove(PathOf(blob))) << PathOf(blob);
  }

  void Flip(const v1::BlobRef& blob) const {
    std::fstream file(PathOf(blob), std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(20);
    const int byte = file.get();
    file.seekp(20);
    file.put(static_cast<char>(byte ^ 1));
    ASSERT_TRUE(file.good());
  }

  bool IsWhole(const v1::BlobRef& blob) const {
    std::ifstream file(PathOf(blob), std::ios::binary);
    return Sha256Hex(std::string(std::istreambuf_iterator<char>(file), {})) == blob.sha256();
  }

  absl::StatusOr<v1::UploadConceptResponse> UploadAll(
      const v1::UploadConceptRequest::Header& header) {
    return Upload(header, {{0, pictures_[0]}, {1, pictures_[1]}});
  }

  const std::vector<std::string> pictures_ = TwoPictures();
};

TEST_F(LostBlobTest, ALeaseOfATrainingNamesTheLostPicture) {
  const v1::Concept uploaded = UploadedConcept();
  const auto job = Create(TrainingOf(uploaded));
  ASSERT_THAT(job, IsOk());
  Lose(uploaded.pictures(1).blob());
  const auto lease = Lease(std::chrono::milliseconds(0));
  ASSERT_THAT(lease, IsOk());
  EXPECT_EQ(lease->jobs_size(), 0);
  const v1::Job failed = JobNow(job->name());
  EXPECT_EQ(failed.state(), v1::JOB_STATE_FAILED);
  const absl::Status error = FromProto(failed.error());
  EXPECT_THAT(error, HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(error, HasReason("BLOB_LOST"));
  EXPECT_THAT(error, HasMessage(HasSubstr(uploaded.name() + ", pictures[1]")));
}

TEST_F(LostBlobTest, AGenerationNamesTheLostPictureThatItStartsFrom) {
  const v1::Concept uploaded = UploadedConcept();
  auto request = GenerationOf();
  request.mutable_generate()->set_init_picture(uploaded.name() + "/pictures/1");
  const auto job = Create(request);
  ASSERT_THAT(job, IsOk());
  Lose(uploaded.pictures(1).blob());
  EXPECT_EQ(Lease(std::chrono::milliseconds(0))->jobs_size(), 0);
  const absl::Status error = FromProto(JobNow(job->name()).error());
  EXPECT_THAT(error, HasReason("BLOB_LOST"));
  EXPECT_THAT(error, HasMessage(HasSubstr("generate.init_picture, " + uploaded.name())));
  request.set_request_id(RequestId());
  EXPECT_THAT(Create(request), HasReason("BLOB_LOST"));
}

TEST_F(LostBlobTest, AWorkerThatReadsADamagedPictureLearnsWhichItIs) {
  const v1::Concept uploaded = UploadedConcept();
  ASSERT_THAT(Create(TrainingOf(uploaded)), IsOk());
  const v1::LeasedJob job = Leased();
  const v1::BlobRef& blob = uploaded.pictures(0).blob();
  Flip(blob);
  for (int i = 0; i < 2; ++i) {
    const auto bytes = Get(blob.sha256(), job.job(), job.lease_id());
    EXPECT_THAT(bytes, HasCode(absl::StatusCode::kDataLoss));
    EXPECT_THAT(bytes, HasReason("BLOB_LOST"));
    EXPECT_THAT(bytes, HasMessage(HasSubstr(uploaded.name() + ", pictures[0]")));
  }
}

TEST_F(LostBlobTest, APictureThatIsLostIsAskedForAndRepairsTheConcept) {
  const v1::Concept uploaded = UploadedConcept();
  Lose(uploaded.pictures(0).blob());
  auto header = Header(pictures_);
  const auto answer = Upload(header, {});
  ASSERT_THAT(answer, IsOk());
  EXPECT_THAT(answer->missing_sha256(), testing::ElementsAre(Sha256Hex(pictures_[0])));
  ASSERT_THAT(Upload(header, {{0, pictures_[0]}}), IsOk());
  EXPECT_TRUE(IsWhole(uploaded.pictures(0).blob()));
  ASSERT_THAT(Create(TrainingOf(uploaded)), IsOk());
  EXPECT_EQ(Leased().pictures_size(), 2);
}

TEST_F(LostBlobTest, ADamagedPictureThatIsSentAgainIsRepaired) {
  const v1::Concept uploaded = UploadedConcept();
  Flip(uploaded.pictures(0).blob());
  ASSERT_FALSE(IsWhole(uploaded.pictures(0).blob()));
  ASSERT_THAT(UploadAll(Header(pictures_)), IsOk());
  EXPECT_TRUE(IsWhole(uploaded.pictures(0).blob()));
  EXPECT_TRUE(IsWhole(uploaded.pictures(1).blob()));
}

TEST_F(LostBlobTest, ARepeatOfTheUploadRepairsItToo) {
  const auto header = Header(pictures_);
  const auto first = UploadAll(header);
  ASSERT_THAT(first, IsOk());
  const v1::Concept& uploaded = first->uploaded_concept();
  Lose(uploaded.pictures(0).blob());
  Flip(uploaded.pictures(1).blob());
  const auto second = UploadAll(header);
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second->uploaded_concept().name(), uploaded.name());
  EXPECT_TRUE(IsWhole(uploaded.pictures(0).blob()));
  EXPECT_TRUE(IsWhole(uploaded.pictures(1).blob()));
}

TEST_F(LostBlobTest, ADamagedTokenizerFileIsAskedForAgain) {
  const v1::BlobRef vocabulary = TestOffer(kTestBase).vocabulary();
  {
    std::fstream file(BlobFile(data_, "system", vocabulary.sha256()),
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(3);
    file.put('\x01');
  }
  Start();  // forgets the tokenizers that it has read
  Call call;
  v1::RegisterRequest request;
  request.set_worker("worker-a");
  request.set_device("cpu");
  *request.add_base_models() = TestOffer(kTestBase);
  v1::RegisterResponse response;
  EXPECT_THAT(FromGrpc(workers_->Register(&call, request, &response)), HasReason("BLOB_MISSING"));
  EXPECT_THAT(Register(), IsOk());
}

}  // namespace
}  // namespace vico::server
