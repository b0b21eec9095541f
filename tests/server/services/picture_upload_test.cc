// PictureService: uploads of single pictures, and generations that start from them.
#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "tests/server/blob_file.h"
#include "tests/server/services/job_service_fixture.h"
#include "vico/v1/picture.grpc.pb.h"

namespace vico::server {
namespace {

using testing::HasSubstr;
using testing::Not;

class PictureUploadTest : public JobServiceTest {
 protected:
  PictureUploadTest() { Connect(); }

  void Connect() { pictures_ = v1::PictureService::NewStub(client_); }

  static v1::UploadPictureRequest::Header PictureHeader(const std::string& bytes) {
    v1::UploadPictureRequest::Header header;
    header.set_request_id(RequestId());
    header.set_sha256(Sha256Hex(bytes));
    header.set_size_bytes(bytes.size());
    header.set_file_name("../mask.png");
    return header;
  }

  /// Sends these messages, then ends the stream.
  absl::StatusOr<v1::UploadedPicture> Send(const std::vector<v1::UploadPictureRequest>& messages) {
    Call call;
    v1::UploadPictureResponse response;
    const auto writer = pictures_->UploadPicture(&call, &response);
    for (const v1::UploadPictureRequest& message : messages) {
      if (!writer->Write(message)) break;
    }
    writer->WritesDone();
    const absl::Status status = FromGrpc(writer->Finish());
    if (!status.ok()) return status;
    return response.uploaded_picture();
  }

  static v1::UploadPictureRequest Part(const v1::UploadPictureRequest::Header& header) {
    v1::UploadPictureRequest message;
    *message.mutable_header() = header;
    return message;
  }

  static v1::UploadPictureRequest Part(const std::string& data) {
    v1::UploadPictureRequest message;
    message.mutable_chunk()->set_data(data);
    return message;
  }

  /// Sends the header, then the bytes in chunks of 1000 bytes.
  absl::StatusOr<v1::UploadedPicture> UploadOne(const v1::UploadPictureRequest::Header& header,
                                                const std::string& bytes) {
    std::vector<v1::UploadPictureRequest> messages{Part(header)};
    for (size_t at = 0; at < bytes.size(); at += 1000)
      messages.push_back(Part(bytes.substr(at, 1000)));
    return Send(messages);
  }

  v1::UploadedPicture Uploaded(const std::string& bytes) {
    const auto picture = UploadOne(PictureHeader(bytes), bytes);
    EXPECT_THAT(picture, IsOk());
    return picture.ok() ? *picture : v1::UploadedPicture();
  }

  absl::Status Delete(const std::string& name) {
    Call call;
    v1::DeletePictureRequest request;
    request.set_name(name);
    google::protobuf::Empty response;
    return FromGrpc(pictures_->DeletePicture(&call, request, &response));
  }

  absl::StatusOr<std::string> Downloaded(const std::string& name, int side = 0) {
    Call call;
    v1::DownloadPictureRequest request;
    request.set_name(name);
    request.set_thumbnail_side(side);
    const auto reader = pictures_->DownloadPicture(&call, request);
    std::string bytes;
    v1::DownloadPictureResponse response;
    while (reader->Read(&response)) bytes += response.chunk().data();
    const absl::Status status = FromGrpc(reader->Finish());
    if (!status.ok()) return status;
    return bytes;
  }

  static cv::Mat Pixels(const std::string& bytes) {
    return cv::imdecode(std::vector<uchar>(bytes.begin(), bytes.end()), cv::IMREAD_UNCHANGED);
  }

  static v1::CreateGenerationJobRequest GenerationFrom(const std::string& init,
                                                       const std::string& mask = "") {
    v1::CreateGenerationJobRequest request = GenerationOf();
    request.mutable_generate()->set_init_picture(init);
    request.mutable_generate()->set_mask_picture(mask);
    return request;
  }

  std::unique_ptr<v1::PictureService::Stub> pictures_;
  const size_t before_ = StoredFiles();  // of the worker's base model
};

TEST_F(PictureUploadTest, APictureIsStoredAsPngAndSent) {
  const v1::UploadedPicture picture = Uploaded(Encoded(TestPicture(300, 200, 3), ".png"));
  EXPECT_EQ(picture.width(), 300);
  EXPECT_EQ(picture.height(), 200);
  EXPECT_EQ(picture.blob().media_type(), "image/png");
  EXPECT_EQ(picture.expire_time().seconds() - picture.create_time().seconds(), 24 * 3600);
  const auto whole = Downloaded(picture.name());
  ASSERT_THAT(whole, IsOk());
  EXPECT_EQ(Sha256Hex(*whole), picture.blob().sha256());
  EXPECT_EQ(cv::norm(Pixels(*whole), TestPicture(300, 200, 3), cv::NORM_INF), 0);
  const auto thumbnail = Downloaded(picture.name(), 128);
  ASSERT_THAT(thumbnail, IsOk());
  EXPECT_EQ(Pixels(*thumbnail).size(), cv::Size(128, 85));
}

TEST_F(PictureUploadTest, AGreyMaskBecomesRgb) {
  cv::Mat mask(64, 80, CV_8UC1, cv::Scalar(0));
  mask.colRange(0, 40).setTo(255);
  const v1::UploadedPicture picture = Uploaded(Encoded(mask, ".png"));
  const auto whole = Downloaded(picture.name());
  ASSERT_THAT(whole, IsOk());
  cv::Mat expected;
  cv::cvtColor(mask, expected, cv::COLOR_GRAY2BGR);
  ASSERT_EQ(Pixels(*whole).type(), CV_8UC3);
  EXPECT_EQ(cv::norm(Pixels(*whole), expected, cv::NORM_INF), 0);
}

TEST_F(PictureUploadTest, ARepeatRestoresALostFile) {
  const std::string bytes = Encoded(TestPicture(64, 64), ".png");
  const auto header = PictureHeader(bytes);
  const auto first = UploadOne(header, bytes);
  ASSERT_THAT(first, IsOk());
  const std::string file = BlobFile(data_, "default", first->blob().sha256());
  ASSERT_TRUE(std::filesystem::remove(file)) << file;
  EXPECT_THAT(Downloaded(first->name()), Not(IsOk()));
  const auto again = UploadOne(header, bytes);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->name(), first->name());
  const auto whole = Downloaded(first->name());
  ASSERT_THAT(whole, IsOk());
  EXPECT_EQ(Sha256Hex(*whole), first->blob().sha256());
}

TEST_F(PictureUploadTest, ARepeatGetsTheFirstAnswer) {
  const std::string bytes = Encoded(TestPicture(64, 64), ".png");
  const auto header = PictureHeader(bytes);
  const auto first = UploadOne(header, bytes);
  ASSERT_THAT(first, IsOk());
  for (const std::string& sent : {bytes, std::string()}) {
    const auto again = UploadOne(header, sent);
    ASSERT_THAT(again, IsOk());
    EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  }
  auto other = header;
  other.set_file_name("other.png");
  EXPECT_THAT(UploadOne(other, bytes), HasReason("REQUEST_ID_REUSED"));
  ASSERT_THAT(Delete(first->name()), IsOk());
  EXPECT_THAT(UploadOne(header, bytes), HasReason("REQUEST_RESULT_DELETED"));
}

TEST_F(PictureUploadTest, EveryWrongFieldOfTheHeaderIsNamed) {
  const std::string bytes = Encoded(TestPicture(64, 64), ".png");
  auto header = PictureHeader(bytes);
  header.set_request_id("short");
  EXPECT_THAT(UploadOne(header, bytes), NamesField("header.request_id"));
  header = PictureHeader(bytes);
  header.set_sha256("ABC");
  EXPECT_THAT(UploadOne(header, bytes), NamesField("header.sha256"));
  for (const uint64_t size : {uint64_t{0}, (uint64_t{10} << 20) + 1}) {
    header = PictureHeader(bytes);
    header.set_size_bytes(size);
    EXPECT_THAT(UploadOne(header, bytes), NamesField("header.size_bytes")) << size;
  }
  header.set_sha256("");
  EXPECT_THAT(UploadOne(header, bytes), HasMessage(HasSubstr("header.sha256")));
}

TEST_F(PictureUploadTest, BytesMustBeThoseAnnounced) {
  const std::string bytes = Encoded(TestPicture(64, 64), ".png");
  auto header = PictureHeader(bytes);
  header.set_sha256(Sha256Hex("other"));
  EXPECT_THAT(UploadOne(header, bytes), NamesField("header.sha256"));
  EXPECT_THAT(UploadOne(PictureHeader(bytes), bytes + "x"), NamesField("chunk.data"));
  EXPECT_THAT(UploadOne(PictureHeader(bytes), bytes.substr(1)), NamesField("header.size_bytes"));
  EXPECT_THAT(UploadOne(PictureHeader(bytes), ""), NamesField("header.size_bytes"));
  EXPECT_EQ(StoredFiles(), before_);
}

TEST_F(PictureUploadTest, PartsComeInOrder) {
  const std::string bytes = Encoded(TestPicture(64, 64), ".png");
  const auto header = Part(PictureHeader(bytes));
  EXPECT_THAT(Send({}), NamesField("header"));
  EXPECT_THAT(Send({Part(bytes), header}), NamesField("header"));
  EXPECT_THAT(Send({header, header}), NamesField("header"));
  EXPECT_THAT(Send({v1::UploadPictureRequest()}), NamesField("part"));
  EXPECT_THAT(Send({header, Part(std::string())}), NamesField("chunk.data"));
  EXPECT_THAT(Send({header, Part(std::string((1 << 20) + 1, 'x'))}), NamesField("chunk.data"));
}

TEST_F(PictureUploadTest, WhatIsNoPictureIsRefused) {
  for (const std::string& bytes : {std::string("%PDF-1.4 not a picture"),
                                   Encoded(TestPicture(64, 64), ".png").substr(0, 60)}) {
    EXPECT_THAT(UploadOne(PictureHeader(bytes), bytes), NamesField("picture")) << bytes.size();
  }
  EXPECT_EQ(StoredFiles(), before_);
}

TEST_F(PictureUploadTest, AFullDiskIsReportedAndLeavesNothing) {
  const std::string bytes = Encoded(TestPicture(64, 64), ".png");
  const auto header = PictureHeader(bytes);
  files_.full = true;
  EXPECT_THAT(UploadOne(header, bytes), HasReason("DISK_FULL"));
  EXPECT_EQ(StoredFiles(), before_);
  files_.full = false;
  EXPECT_THAT(UploadOne(header, bytes), IsOk());
}

TEST_F(PictureUploadTest, ADeletedPictureIsGone) {
  const v1::UploadedPicture picture = Uploaded(Encoded(TestPicture(64, 64), ".png"));
  ASSERT_THAT(Delete(picture.name()), IsOk());
  EXPECT_THAT(Delete(picture.name()), HasReason("PICTURE_NOT_FOUND"));
  EXPECT_THAT(Downloaded(picture.name()), HasReason("PICTURE_NOT_FOUND"));
  const auto job = Create(GenerationFrom(picture.name()));
  EXPECT_THAT(job, HasCode(absl::StatusCode::kNotFound));
  EXPECT_THAT(job, HasMessage(HasSubstr("generate.init_picture")));
  for (const char* wrong : {"", "pictures/", "pictures/../x", "concepts/1"}) {
    EXPECT_THAT(Delete(wrong), NamesField("name")) << wrong;
  }
}

TEST_F(PictureUploadTest, AnExpiredPictureIsDeleted) {
  options_.storage.jobs.retention.uploaded_pictures = absl::Seconds(1);
  options_.services.housekeeping = absl::Milliseconds(20);
  Start();
  Connect();
  const v1::UploadedPicture picture = Uploaded(Encoded(TestPicture(64, 64), ".png"));
  EXPECT_EQ(picture.expire_time().seconds() - picture.create_time().seconds(), 1);
  EXPECT_TRUE(Eventually([&] { return absl::IsNotFound(Downloaded(picture.name()).status()); }));
}

TEST_F(PictureUploadTest, ARetryStartsFromAPictureThatIsGone) {
  const v1::UploadedPicture picture = Uploaded(Encoded(TestPicture(64, 64), ".png"));
  const auto job = Create(GenerationFrom(picture.name()));
  ASSERT_THAT(job, IsOk());
  ASSERT_THAT(Cancel(job->name()), IsOk());
  ASSERT_THAT(Delete(picture.name()), IsOk());
  ASSERT_THAT(Retry(job->name()), IsOk());
  EXPECT_EQ(Leased().init_picture().sha256(), picture.blob().sha256());
}

TEST_F(PictureUploadTest, AWorkerGetsAnUploadedPictureAndMask) {
  const v1::UploadedPicture init = Uploaded(Encoded(TestPicture(64, 64, 1), ".png"));
  const v1::UploadedPicture mask = Uploaded(Encoded(TestPicture(64, 64, 2), ".png"));
  ASSERT_THAT(Create(GenerationFrom(init.name(), mask.name())), IsOk());
  ASSERT_THAT(Delete(init.name()), IsOk());
  const v1::LeasedJob leased = Leased();
  EXPECT_EQ(leased.init_picture().sha256(), init.blob().sha256());
  EXPECT_EQ(leased.mask_picture().sha256(), mask.blob().sha256());
  EXPECT_THAT(Get(init.blob().sha256(), leased.job(), leased.lease_id()), IsOk());
}

}  // namespace
}  // namespace vico::server
