// `vico pictures` against a server in this process.
#include <fstream>
#include <string>

#include <gmock/gmock.h>

#include "client/cli/commands.h"
#include "common/rpc/status_grpc.h"
#include "tests/client/cli/command_line.h"

namespace vico::client {
namespace {

using ::testing::HasSubstr;

class PicturesCommandTest : public CommandLineTest {
 protected:
  PicturesCommandTest() {
    server_.upload_picture = [this](FakeServer::PictureUpload& reader,
                                    v1::UploadPictureResponse& response) {
      v1::UploadPictureRequest message;
      while (reader.Read(&message)) received_ += message.chunk().data();
      v1::UploadedPicture& picture = *response.mutable_uploaded_picture();
      picture.set_name("pictures/7");
      picture.set_width(640);
      picture.set_height(480);
      picture.mutable_expire_time()->set_seconds(1'767'323'045);
      return grpc::Status::OK;
    };
    std::ofstream(At("robot.png")) << "robot";
  }

  std::string received_;
};

TEST_F(PicturesCommandTest, AnUploadPrintsTheNameAndSaysWhenItExpires) {
  EXPECT_EQ(Vico({"pictures", "upload", At("robot.png")}), kExitOk) << err_.str();
  EXPECT_EQ(received_, "robot");
  EXPECT_EQ(out_.str(), "pictures/7\n");
  EXPECT_EQ(err_.str(), "640 x 480, expires 2026-01-02 03:04:05 UTC\n");
}

TEST_F(PicturesCommandTest, WithJsonTheMessageIsALine) {
  EXPECT_EQ(Vico({"pictures", "upload", At("robot.png"), "--json"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("\"name\":\"pictures/7\""));
  EXPECT_EQ(err_.str(), "");
}

TEST_F(PicturesCommandTest, AMissingFileIsAnErrorThatNamesIt) {
  EXPECT_EQ(Vico({"pictures", "upload", At("none.png")}), kExitInvalidArgument);
  EXPECT_THAT(err_.str(), HasSubstr(At("none.png")));
}

TEST_F(PicturesCommandTest, AnIdAndANameAreDeleted) {
  std::string deleted;
  server_.delete_picture = [&](const v1::DeletePictureRequest& request) {
    deleted = request.name();
    return grpc::Status::OK;
  };
  EXPECT_EQ(Vico({"pictures", "delete", "7"}), kExitOk) << err_.str();
  EXPECT_EQ(deleted, "pictures/7");
  EXPECT_EQ(Vico({"pictures", "delete", "pictures/8"}), kExitOk) << err_.str();
  EXPECT_EQ(deleted, "pictures/8");
  server_.delete_picture = [](const v1::DeletePictureRequest&) {
    return ToGrpc(absl::NotFoundError("no such picture"));
  };
  EXPECT_EQ(Vico({"pictures", "delete", "9"}), kExitNotFound);
}

}  // namespace
}  // namespace vico::client
