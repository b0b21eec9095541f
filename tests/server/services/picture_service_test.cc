#include "server/services/picture_service.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "tests/server/server_fixture.h"
#include "vico/v1/picture.grpc.pb.h"

namespace vico::server {
namespace {

using testing::AllOf;
using testing::HasSubstr;

struct Download {
  v1::DownloadPictureResponse::Header header;
  std::string bytes;
};

class PictureServiceTest : public ServerTest {
 protected:
  PictureServiceTest() : stub_(v1::PictureService::NewStub(client_)) {
    EXPECT_THAT(Register(), IsOk());
  }

  absl::StatusOr<Download> Get(const std::string& name, int side = 0,
                               v1::PictureFormat format = v1::PICTURE_FORMAT_UNSPECIFIED) {
    Call call;
    v1::DownloadPictureRequest request;
    request.set_name(name);
    request.set_thumbnail_side(side);
    request.set_format(format);
    const auto reader = stub_->DownloadPicture(&call, request);
    Download download;
    v1::DownloadPictureResponse response;
    bool last = false;
    while (reader->Read(&response)) {
      if (response.has_header()) {
        download.header = response.header();
        continue;
      }
      EXPECT_EQ(response.chunk().offset(), download.bytes.size());
      EXPECT_LE(response.chunk().data().size(), size_t{1} << 20);
      download.bytes += response.chunk().data();
      last = response.chunk().last();
    }
    const absl::Status status = FromGrpc(reader->Finish());
    if (!status.ok()) return status;
    EXPECT_TRUE(last);
    EXPECT_EQ(download.header.size_bytes(), download.bytes.size());
    EXPECT_EQ(download.header.sha256(), Sha256Hex(download.bytes));
    return download;
  }

  static cv::Mat Pixels(const Download& download) {
    const std::vector<uchar> bytes(download.bytes.begin(), download.bytes.end());
    return cv::imdecode(bytes, cv::IMREAD_UNCHANGED);
  }

  /// A concept whose first picture has this size.
  v1::Concept ConceptOf(int width, int height) {
    const std::vector<std::string> pictures{Encoded(TestPicture(width, height, 3), ".png"),
                                            Encoded(TestPicture(64, 64, 4), ".png")};
    const auto response = Upload(Header(pictures), {{0, pictures[0]}, {1, pictures[1]}});
    EXPECT_THAT(response, IsOk());
    return response.ok() ? response->uploaded_concept() : v1::Concept();
  }

  absl::Status Delete(const v1::Concept& uploaded) {
    Call call;
    v1::DeleteConceptRequest request;
    request.set_name(uploaded.name());
    google::protobuf::Empty response;
    return FromGrpc(concepts_->DeleteConcept(&call, request, &response));
  }

  v1::BlobRef PutPicture(const v1::LeasedJob& leased, int side, int seed) {
    const auto blob = Put(Encoded(TestPicture(side, side, seed), ".png"), "image/png", leased);
    EXPECT_THAT(blob, IsOk());
    return blob.ok() ? *blob : v1::BlobRef();
  }

  const std::unique_ptr<v1::PictureService::Stub> stub_;
};

TEST_F(PictureServiceTest, AConceptsPictureIsSentByItsName) {
  const v1::Concept uploaded = ConceptOf(300, 200);
  EXPECT_EQ(uploaded.pictures(0).name(), uploaded.name() + "/pictures/0");
  const auto picture = Get(uploaded.pictures(0).name());
  ASSERT_THAT(picture, IsOk());
  EXPECT_EQ(picture->header.sha256(), uploaded.pictures(0).blob().sha256());
  EXPECT_EQ(picture->header.media_type(), "image/png");
  EXPECT_EQ(picture->header.width(), 300);
  EXPECT_EQ(picture->header.height(), 200);
  EXPECT_THAT(Get(uploaded.name() + "/pictures/2"), HasReason("PICTURE_NOT_FOUND"));
  EXPECT_THAT(Get("concepts/" + NewId() + "/pictures/0"), HasReason("CONCEPT_NOT_FOUND"));
}

TEST_F(PictureServiceTest, AThumbnailKeepsTheShapeAndHasTheSideAskedFor) {
  const v1::Concept uploaded = ConceptOf(300, 200);
  const auto jpeg = Get(uploaded.pictures(0).name(), 128);
  ASSERT_THAT(jpeg, IsOk());
  EXPECT_EQ(jpeg->header.media_type(), "image/jpeg");
  EXPECT_EQ(jpeg->header.width(), 128);
  EXPECT_EQ(jpeg->header.height(), 85);
  EXPECT_EQ(Pixels(*jpeg).size(), cv::Size(128, 85));

  const auto png = Get(uploaded.pictures(0).name(), 128, v1::PICTURE_FORMAT_PNG);
  ASSERT_THAT(png, IsOk());
  EXPECT_EQ(png->header.media_type(), "image/png");
  cv::Mat expected;
  cv::resize(TestPicture(300, 200, 3), expected, {128, 85}, 0, 0, cv::INTER_AREA);
  EXPECT_EQ(cv::norm(Pixels(*png), expected, cv::NORM_INF), 0);
  EXPECT_LT(cv::norm(Pixels(*jpeg), expected, cv::NORM_L1) / static_cast<double>(3 * 128 * 85), 6);
}

TEST_F(PictureServiceTest, SidesAreRoundedUpToFewAndSmallPicturesKeepTheirs) {
  const v1::Concept uploaded = ConceptOf(300, 200);
  const auto odd = Get(uploaded.pictures(0).name(), 100);
  const auto even = Get(uploaded.pictures(0).name(), 128);
  ASSERT_THAT(odd, IsOk());
  ASSERT_THAT(even, IsOk());
  EXPECT_EQ(odd->header.sha256(), even->header.sha256());
  const auto whole = Get(uploaded.pictures(0).name(), 512, v1::PICTURE_FORMAT_PNG);
  ASSERT_THAT(whole, IsOk());
  EXPECT_EQ(whole->header.sha256(), uploaded.pictures(0).blob().sha256());
}

TEST_F(PictureServiceTest, AThumbnailIsMadeOnce) {
  const v1::Concept uploaded = ConceptOf(300, 200);
  ASSERT_THAT(Get(uploaded.pictures(0).name(), 64), IsOk());
  const size_t files = StoredFiles();
  ASSERT_THAT(Get(uploaded.pictures(0).name(), 64), IsOk());
  EXPECT_EQ(StoredFiles(), files);
  // From now on there is no picture to make one from.
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data_ + "/blobs")) {
    const bool is_source =
        entry.path().string().find(uploaded.pictures(0).blob().sha256()) != std::string::npos;
    if (entry.is_regular_file() && is_source) std::filesystem::remove(entry.path());
  }
  EXPECT_THAT(Get(uploaded.pictures(0).name()), HasReason("BLOB_LOST"));
  EXPECT_THAT(Get(uploaded.pictures(0).name(), 128), HasReason("BLOB_LOST"));
  EXPECT_THAT(Get(uploaded.pictures(0).name(), 64), IsOk());
}

TEST_F(PictureServiceTest, TheFilesOfThumbnailsAreCollectedAfterTheirPictures) {
  const v1::Concept uploaded = ConceptOf(300, 200);
  ASSERT_THAT(Get(uploaded.pictures(0).name(), 64), IsOk());
  ASSERT_THAT(Get(uploaded.pictures(0).name(), 64, v1::PICTURE_FORMAT_PNG), IsOk());
  const size_t with_thumbnails = StoredFiles();
  ASSERT_THAT(Delete(uploaded), IsOk());
  options_.storage.garbage_age = absl::ZeroDuration();
  Start();
  // Two pictures and two thumbnails of the first.
  EXPECT_TRUE(Eventually([&] { return StoredFiles() + 4 <= with_thumbnails; })) << StoredFiles();
}

TEST_F(PictureServiceTest, EveryPictureOfAJobHasAName) {
  const v1::Concept uploaded = UploadedConcept();
  ASSERT_THAT(Create(TrainingOf(uploaded)), IsOk());
  const v1::LeasedJob leased = Leased();
  v1::Event first;
  first.mutable_sample()->set_step(50);
  *first.mutable_sample()->mutable_picture()->mutable_blob() = PutPicture(leased, 64, 1);
  v1::Event second = first;
  second.mutable_sample()->mutable_picture()->set_index(1);
  *second.mutable_sample()->mutable_picture()->mutable_blob() = PutPicture(leased, 64, 2);
  v1::Event mask;
  mask.mutable_mask()->set_step(50);
  mask.mutable_mask()->set_picture_index(1);
  *mask.mutable_mask()->mutable_blob() = PutPicture(leased, 16, 3);
  ASSERT_THAT(Report(leased, 1, {first, second, mask}), IsOk());

  EXPECT_EQ(Get(leased.job() + "/samples/50")->header.sha256(),
            first.sample().picture().blob().sha256());
  EXPECT_EQ(Get(leased.job() + "/samples/50/0")->header.sha256(),
            first.sample().picture().blob().sha256());
  EXPECT_EQ(Get(leased.job() + "/samples/50/1")->header.sha256(),
            second.sample().picture().blob().sha256());
  const auto of_mask = Get(leased.job() + "/masks/50/1", 64);
  ASSERT_THAT(of_mask, IsOk());
  EXPECT_EQ(of_mask->header.media_type(), "image/png");
  EXPECT_EQ(of_mask->header.width(), 16);
  EXPECT_THAT(Get(leased.job() + "/samples/51"), HasReason("PICTURE_NOT_FOUND"));
  EXPECT_THAT(Get("jobs/" + NewId() + "/samples/50"), HasReason("JOB_NOT_FOUND"));

  std::vector<std::string> names;
  Call call;
  v1::WatchJobRequest watch;
  watch.set_name(leased.job());
  const auto reader = jobs_->WatchJob(&call, watch);
  v1::WatchJobResponse response;
  while (names.size() < 3 && reader->Read(&response)) {
    const v1::Event& event = response.event();
    if (event.has_sample()) names.push_back(event.sample().picture().name());
    if (event.has_mask()) names.push_back(event.mask().name());
  }
  call.TryCancel();
  EXPECT_THAT(names,
              testing::ElementsAre(leased.job() + "/samples/50", leased.job() + "/samples/50/1",
                                   leased.job() + "/masks/50/1"));
}

TEST_F(PictureServiceTest, ANameOfAPreviewMeansTheNewestOne) {
  ASSERT_THAT(Create(GenerationOf()), IsOk());
  const v1::LeasedJob leased = Leased();
  v1::Event older;
  older.mutable_preview()->set_step(5);
  *older.mutable_preview()->mutable_blob() = PutPicture(leased, 64, 1);
  v1::Event newer;
  newer.mutable_preview()->set_step(10);
  *newer.mutable_preview()->mutable_blob() = PutPicture(leased, 64, 2);
  v1::Event picture;
  *picture.mutable_picture()->mutable_blob() = PutPicture(leased, 64, 3);
  ASSERT_THAT(Report(leased, 1, {older, newer, picture}), IsOk());
  EXPECT_EQ(Get(leased.job() + "/previews/0")->header.sha256(), newer.preview().blob().sha256());
  EXPECT_EQ(Get(leased.job() + "/pictures/0")->header.sha256(), picture.picture().blob().sha256());
  EXPECT_EQ(JobNow(leased.job()).pictures(0).name(), leased.job() + "/pictures/0");
}

TEST_F(PictureServiceTest, AllThatIsWrongIsNamedAtOnce) {
  EXPECT_THAT(Get("jobs/1", 2000), AllOf(NamesField("name"), HasMessage(HasSubstr("64..1024"))));
  const std::string name = "jobs/" + NewId() + "/pictures/0";
  EXPECT_THAT(Get(name, 63), NamesField("thumbnail_side"));
  EXPECT_THAT(Get(name, 0, v1::PICTURE_FORMAT_JPEG), NamesField("format"));
}

}  // namespace
}  // namespace vico::server
