// The pictures of `vico generate --init` and --mask.
#include "client/cli/input_pictures.h"

#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "common/rpc/status_grpc.h"
#include "tests/client/cli/command_line.h"

namespace vico::client {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class InputPicturesTest : public CommandLineTest {
 protected:
  InputPicturesTest() {
    server_.upload_picture = [this](FakeServer::PictureUpload& reader,
                                    v1::UploadPictureResponse& response) {
      v1::UploadPictureRequest message;
      std::string bytes;
      while (reader.Read(&message)) bytes += message.chunk().data();
      uploaded_.push_back(bytes);
      if (bytes == "text") return ToGrpc(absl::InvalidArgumentError("picture: is a text"));
      response.mutable_uploaded_picture()->set_name("pictures/of-" + bytes);
      return grpc::Status::OK;
    };
    server_.delete_picture = [this](const v1::DeletePictureRequest& request) {
      deleted_.push_back(request.name());
      specs_before_delete_ = specs_.size();
      return delete_error_;
    };
    server_.generate = [this](const v1::CreateGenerationJobRequest& request,
                              FakeServer::Events& events) {
      specs_.push_back(request.generate());
      v1::WatchJobResponse end;
      end.set_job("jobs/1");
      end.mutable_event()->set_sequence(1);
      end.mutable_event()->mutable_succeeded();
      events.Write(end);
      return grpc::Status::OK;
    };
    server_.check_generation = [this](const v1::CreateGenerationJobRequest& request, v1::Job& job) {
      EXPECT_TRUE(request.validate_only());
      specs_.push_back(request.generate());
      job.set_name("jobs/1");
      return grpc::Status::OK;
    };
    std::ofstream(At("robot.png")) << "robot";
    std::ofstream(At("mask.png")) << "mask";
    std::ofstream(At("text.png")) << "text";
  }

  int Generate(std::vector<std::string> options) {
    options.insert(options.begin(), {"generate", "x", "p", "--out", At("out")});
    return Vico(options);
  }

  std::vector<std::string> uploaded_;
  std::vector<std::string> deleted_;
  grpc::Status delete_error_;
  std::size_t specs_before_delete_ = 0;
  std::vector<v1::GenerateSpec> specs_;
};

TEST_F(InputPicturesTest, FilesAreUploadedAndNamedInTheSpec) {
  EXPECT_EQ(Generate({"--init", At("robot.png"), "--mask", At("mask.png"), "--denoise", "0.5"}),
            kExitOk)
      << err_.str();
  EXPECT_THAT(uploaded_, ElementsAre("robot", "mask"));
  ASSERT_THAT(specs_, SizeIs(1));
  EXPECT_EQ(specs_[0].init_picture(), "pictures/of-robot");
  EXPECT_EQ(specs_[0].mask_picture(), "pictures/of-mask");
  EXPECT_EQ(specs_[0].denoise(), 0.5);
}

TEST_F(InputPicturesTest, ThePathOfAFileMayHaveAnyBytes) {
  std::ofstream(At("caf\xe9.png")) << "robot";
  EXPECT_EQ(Generate({"--init", At("caf\xe9.png")}), kExitOk) << err_.str();
  EXPECT_EQ(specs_[0].init_picture(), "pictures/of-robot");
}

TEST_F(InputPicturesTest, UploadsAreDeletedWhenTheJobsExist) {
  EXPECT_EQ(Generate({"--init", At("robot.png"), "--mask", At("mask.png")}), kExitOk);
  EXPECT_THAT(deleted_, ElementsAre("pictures/of-robot", "pictures/of-mask"));
  EXPECT_EQ(specs_before_delete_, 1U);
}

TEST_F(InputPicturesTest, AnUploadThatIsNotDeletedIsNoError) {
  delete_error_ = ToGrpc(absl::NotFoundError("no such picture"));
  EXPECT_EQ(Generate({"--init", At("robot.png")}), kExitOk);
  EXPECT_THAT(deleted_, SizeIs(1));
}

TEST_F(InputPicturesTest, NamesOfTheServerAreUsedAsTheyAre) {
  const std::string name = "pictures/1c9e0000000000000000000000000003";
  EXPECT_EQ(Generate({"--init", name, "--mask", "jobs/1/pictures/0"}), kExitOk) << err_.str();
  EXPECT_THAT(uploaded_, IsEmpty());
  EXPECT_EQ(specs_[0].init_picture(), name);
  EXPECT_EQ(specs_[0].mask_picture(), "jobs/1/pictures/0");
  EXPECT_THAT(deleted_, IsEmpty());
}

TEST_F(InputPicturesTest, AllJobsOfAFileOfPromptsStartFromOneUpload) {
  std::ofstream prompts(At("prompts"));
  for (int i = 0; i < 9; ++i) prompts << "prompt\n";
  prompts.close();
  EXPECT_EQ(Vico({"generate", "x", "--prompts", At("prompts"), "--out", At("out"), "--init",
                  At("robot.png")}),
            kExitOk)
      << err_.str();
  EXPECT_THAT(uploaded_, SizeIs(1));
  ASSERT_THAT(specs_, SizeIs(2));
  EXPECT_EQ(specs_[1].init_picture(), "pictures/of-robot");
  EXPECT_EQ(specs_before_delete_, 2U);
}

TEST_F(InputPicturesTest, WhatIsNeitherAFileNorANameIsRefusedBeforeAnUpload) {
  EXPECT_EQ(Generate({"--init", At("robot.png"), "--mask", At("none.png")}), kExitInvalidArgument);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("--mask: there is no file \"" + At("none.png") + "\""),
                                HasSubstr("jobs/ID/pictures/0")));
  EXPECT_EQ(Generate({"--init", ""}), kExitInvalidArgument);
  EXPECT_THAT(err_.str(), HasSubstr("--init: there is no file \"\""));
  EXPECT_EQ(Generate({"--init", folder_.path()}), kExitInvalidArgument);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("--init: " + folder_.path()), Not(HasSubstr("no file"))));
  EXPECT_THAT(uploaded_, IsEmpty());
  EXPECT_THAT(specs_, IsEmpty());
}

TEST_F(InputPicturesTest, ARefusedFileIsNamedByItsOption) {
  EXPECT_EQ(Generate({"--init", At("robot.png"), "--mask", At("text.png")}), kExitInvalidArgument);
  EXPECT_THAT(err_.str(), HasSubstr("--mask: picture: is a text"));
  EXPECT_THAT(specs_, IsEmpty());
  EXPECT_THAT(deleted_, ElementsAre("pictures/of-robot"));
}

TEST_F(InputPicturesTest, AMaskNeedsAPicture) {
  const ParsedArguments parsed =
      ParseArguments({"generate", "x", "p", "--mask", "m.png"}, [] { return 0; });
  EXPECT_FALSE(parsed.arguments);
  EXPECT_THAT(parsed.err, AllOf(HasSubstr("--mask"), HasSubstr("--init")));
}

TEST_F(InputPicturesTest, ADryRunUploadsNothingAndSaysWhatItDidNotCheck) {
  EXPECT_EQ(Generate({"--init", At("robot.png"), "--mask", At("mask.png"), "--denoise", "0.5",
                      "--steps", "9", "--dry-run"}),
            kExitOk)
      << err_.str();
  EXPECT_THAT(err_.str(), HasSubstr(At("robot.png") + " was not uploaded (--dry-run): the job is "
                                                      "checked without --init, --mask and "
                                                      "--denoise\n"));
  EXPECT_EQ(specs_[0].init_picture(), "");
  EXPECT_EQ(specs_[0].mask_picture(), "");
  EXPECT_FALSE(specs_[0].has_denoise());
  EXPECT_EQ(specs_[0].steps(), 9);

  EXPECT_EQ(Generate({"--init", "jobs/1/pictures/0", "--mask", At("mask.png"), "--denoise", "0.5",
                      "--dry-run"}),
            kExitOk);
  EXPECT_THAT(err_.str(), HasSubstr("checked without --mask\n"));
  EXPECT_EQ(specs_[1].init_picture(), "jobs/1/pictures/0");
  EXPECT_EQ(specs_[1].denoise(), 0.5);
  EXPECT_EQ(specs_[1].mask_picture(), "");
  EXPECT_THAT(uploaded_, IsEmpty());
}

}  // namespace
}  // namespace vico::client
