// The client's calls about single pictures against a fake server in this process.
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>

#include "client/lib/client.h"
#include "client/lib/local_file.h"
#include "common/crypto/random_bits.h"
#include "common/crypto/sha256.h"
#include "common/rpc/status_grpc.h"
#include "tests/client/lib/fake_server.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"

namespace vico::client {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class PicturesTest : public testing::Test {
 protected:
  PicturesTest() {
    ClientOptions options;
    options.server = server_.address();
    options.retry.backoff.first = absl::Milliseconds(1);
    options.retry.backoff.longest = absl::Milliseconds(5);
    client_ = *Client::Open(options, RandomBits);
    server_.upload_picture = [this](FakeServer::PictureUpload& reader,
                                    v1::UploadPictureResponse& response) {
      v1::UploadPictureRequest message;
      reader.Read(&message);
      headers_.push_back(message.header());
      std::string received;
      while (reader.Read(&message)) {
        EXPECT_LE(message.chunk().data().size(), std::size_t{1} << 20);
        received += message.chunk().data();
        if (cuts_ > 0 && received.size() > std::size_t{1} << 20) {
          --cuts_;
          return grpc::Status(grpc::StatusCode::UNAVAILABLE, "cut");
        }
      }
      received_ = std::move(received);
      response.mutable_uploaded_picture()->set_name("pictures/1");
      response.mutable_uploaded_picture()->set_width(64);
      return grpc::Status::OK;
    };
  }

  std::filesystem::path File(const std::string& name, const std::string& bytes) {
    const std::filesystem::path path = std::filesystem::path(folder_.path()) / name;
    EXPECT_TRUE(WriteAtomically(path, bytes).ok());
    return path;
  }

  TempFolder folder_;
  FakeServer server_;
  std::unique_ptr<Client> client_;
  std::vector<v1::UploadPictureRequest::Header> headers_;
  std::string received_;
  int cuts_ = 0;
};

TEST_F(PicturesTest, AnUploadSendsWhatTheFileIsAndItsBytes) {
  const std::string bytes(3'000'000, 'p');
  std::vector<std::uint64_t> done;
  const auto uploaded =
      client_->UploadPicture(File("caf\xe9.png", bytes), [&](std::uint64_t now, std::uint64_t all) {
        done.push_back(now);
        EXPECT_EQ(all, bytes.size());
      });
  ASSERT_THAT(uploaded, IsOk());
  EXPECT_EQ(uploaded->name(), "pictures/1");
  EXPECT_EQ(uploaded->width(), 64);
  EXPECT_EQ(received_, bytes);
  EXPECT_EQ(headers_[0].sha256(), Sha256Hex(bytes));
  EXPECT_EQ(headers_[0].size_bytes(), bytes.size());
  EXPECT_EQ(headers_[0].file_name(), "caf_.png");
  EXPECT_THAT(headers_[0].request_id(), SizeIs(32));
  ASSERT_THAT(done, SizeIs(3));
  EXPECT_EQ(done.back(), bytes.size());
}

TEST_F(PicturesTest, AnUploadThatIsCutIsRepeatedWithTheSameRequestId) {
  cuts_ = 2;
  const std::string bytes(3'000'000, 'p');
  ASSERT_THAT(client_->UploadPicture(File("a.png", bytes)), IsOk());
  ASSERT_THAT(headers_, SizeIs(3));
  EXPECT_EQ(headers_[0].request_id(), headers_[2].request_id());
  EXPECT_EQ(received_, bytes);
}

TEST_F(PicturesTest, EachUploadHasARequestIdOfItsOwn) {
  const auto path = File("a.png", "a");
  ASSERT_THAT(client_->UploadPicture(path), IsOk());
  ASSERT_THAT(client_->UploadPicture(path), IsOk());
  EXPECT_NE(headers_[0].request_id(), headers_[1].request_id());
}

TEST_F(PicturesTest, WhatTheServerRefusesIsNotSentAgain) {
  server_.upload_picture = [this](FakeServer::PictureUpload& reader, v1::UploadPictureResponse&) {
    v1::UploadPictureRequest message;
    reader.Read(&message);
    headers_.push_back(message.header());
    return ToGrpc(absl::InvalidArgumentError("picture: is a TIFF picture"));
  };
  EXPECT_THAT(client_->UploadPicture(File("a.png", std::string(8'000'000, 'p'))),
              HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(headers_, SizeIs(1));
}

TEST_F(PicturesTest, AFileThatCannotBeReadCostsNoCall) {
  const auto uploaded = client_->UploadPicture(folder_.path() + "/none.png");
  EXPECT_THAT(uploaded, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(uploaded.status(), HasMessage(HasSubstr("none.png")));
  EXPECT_THAT(headers_, SizeIs(0));
}

TEST_F(PicturesTest, AnUploadedPictureIsDeletedByItsName) {
  std::string deleted;
  server_.delete_picture = [&](const v1::DeletePictureRequest& request) {
    deleted = request.name();
    return grpc::Status::OK;
  };
  EXPECT_THAT(client_->DeletePicture("pictures/1"), IsOk());
  EXPECT_EQ(deleted, "pictures/1");
}

}  // namespace
}  // namespace vico::client
