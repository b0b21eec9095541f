// The commands against a server in this process: what they write where, and what they refuse before
// they call.
#include "client/cli/commands.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "client/output/output.h"
#include "client/pixels/pixels.h"
#include "common/crypto/sha256.h"
#include "common/field_errors.h"
#include "common/formats/png_text.h"
#include "common/rpc/status_grpc.h"
#include "tests/client/cli/command_line.h"

namespace vico::client {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class CommandsTest : public CommandLineTest {
 protected:
  CommandsTest() {
    server_.train = [this](const v1::CreateTrainingJobRequest& request, v1::Job& job) {
      ++calls_;
      trained_ = request.train();
      training_ = request;
      only_validated_ = request.validate_only();
      job.set_name("jobs/1");
      job.set_base_model_unavailable(nobody_serves_);
      job.mutable_spec()->mutable_train()->set_base_model("baseModels/toy");
      job.mutable_spec()->mutable_train()->set_devices(request.train().devices());
      return grpc::Status::OK;
    };
    server_.generate = [this](const v1::CreateGenerationJobRequest& request,
                              FakeServer::Events& events) {
      ++calls_;
      generated_ = request.generate();
      generations_.push_back(request);
      SendPictures(request.generate(), events);
      return grpc::Status::OK;
    };
    server_.get_adapter = [this](const v1::GetAdapterRequest&, v1::Adapter& adapter) {
      adapter.set_name("adapters/1");
      adapter.mutable_blob()->set_sha256(Sha256Hex("adapter"));
      adapter.mutable_blob()->set_size_bytes(7);
      adapter.mutable_reference()->set_sha256(Sha256Hex("picture"));
      if (warns_) {
        auto& warning = *adapter.add_warnings();
        warning.set_message("the word\x1b[2J is common\xe2\x80\xae");
        warning.set_reason("WORD");
      }
      return grpc::Status::OK;
    };
    server_.download = [this](FakeServer::Download& writer) {
      ++downloads_;
      v1::DownloadAdapterResponse piece;
      piece.set_data("adapter");
      piece.set_last(true);
      writer.Write(piece);
      return grpc::Status::OK;
    };
  }

  /// The first picture of each prompt, and the end.
  void SendPictures(const v1::GenerateSpec& spec, FakeServer::Events& events) const {
    const int prompts = std::max(1, spec.prompts_size());
    const int per_prompt = std::max(1, spec.picture_count());
    for (int i = 0; i < prompts; ++i) SendPicture(i * per_prompt, i + 1, events);
    v1::WatchJobResponse end;
    end.set_job("jobs/1");
    end.mutable_event()->set_sequence(static_cast<std::uint64_t>(prompts) + 1);
    end.mutable_event()->mutable_succeeded();
    events.Write(end);
  }

  void SendPicture(int index, int sequence, FakeServer::Events& events) const {
    v1::WatchJobResponse message;
    message.set_job("jobs/1");
    v1::Event& event = *message.mutable_event();
    event.set_sequence(static_cast<std::uint64_t>(sequence));
    event.mutable_picture()->set_index(index);
    event.mutable_picture()->set_seed(7);
    auto& blob = *event.mutable_picture()->mutable_blob();
    blob.set_sha256(Sha256Hex(picture_));
    blob.set_size_bytes(picture_.size());
    events.Write(message);
    v1::WatchJobResponse chunk;
    chunk.set_job("jobs/1");
    chunk.mutable_chunk()->set_sha256(Sha256Hex(picture_));
    chunk.mutable_chunk()->set_data(picture_);
    chunk.mutable_chunk()->set_last(true);
    events.Write(chunk);
  }

  void Write(const std::string& name, const std::string& bytes) const {
    std::ofstream(At(name)) << bytes;
  }

  std::string picture_ = "PNG";
  v1::TrainSpec trained_;
  v1::GenerateSpec generated_;
  v1::CreateTrainingJobRequest training_;
  std::vector<v1::CreateGenerationJobRequest> generations_;
  bool only_validated_ = false;
  bool nobody_serves_ = false;
  bool warns_ = false;
  int calls_ = 0;
  int downloads_ = 0;
};

TEST_F(CommandsTest, AnUnwritableFolderIsFoundBeforeTheJobExists) {
  Write("file", "mine");
  for (const std::string& out : {At("file"), At("file/inside"), std::string("/proc/nowhere")}) {
    EXPECT_EQ(Vico({"generate", "x", "p", "--out", out}), kExitInvalidArgument);
    EXPECT_THAT(err_.str(), AllOf(HasSubstr("--out"), HasSubstr(out)));
    EXPECT_EQ(Vico({"train", "x", "--init-word", "dog", "--out", out}), kExitInvalidArgument);
    EXPECT_EQ(Vico({"jobs", "watch", "1", "--out", out}), kExitInvalidArgument);
    EXPECT_EQ(Vico({"adapters", "download", "1", "--out", out + "/a"}), kExitInvalidArgument);
    EXPECT_EQ(Vico({"adapters", "download", "1", "--out", At("a"), "--reference", out + "/r"}),
              kExitInvalidArgument);
  }
  EXPECT_EQ(calls_, 0);
  EXPECT_EQ(downloads_, 0);
  EXPECT_EQ(Read("file"), "mine");
}

TEST_F(CommandsTest, PicturesAreNotDrawnForNoFolder) {
  EXPECT_EQ(Vico({"generate", "x", "p", "--out", ""}), kExitInvalidArgument);
  EXPECT_EQ(Vico({"generate", "x", "p", "--out="}), kExitInvalidArgument);
  EXPECT_EQ(calls_, 0);
}

TEST_F(CommandsTest, AllRefusedPicturesAreNamedByTheirFiles) {
  server_.upload = [](FakeServer::Upload&, v1::UploadConceptResponse&) {
    FieldErrors errors;
    errors.Add("pictures[0]", "is a text");
    errors.Add("pictures[2]", "is a web page");
    return ToGrpc(errors.status());
  };
  Write("a", "a");
  Write("b", "b");
  Write("c", "c");
  EXPECT_EQ(Vico({"concepts", "upload", At("a"), At("b"), At("c")}), kExitInvalidArgument);
  EXPECT_THAT(err_.str(),
              AllOf(HasSubstr("pictures[0] is " + At("a")), HasSubstr("pictures[2] is " + At("c")),
                    Not(HasSubstr("pictures[1]"))));
}

TEST_F(CommandsTest, ASecondPictureDoesNotReplaceTheFirst) {
  EXPECT_EQ(Vico({"generate", "x", "a p", "--out", At("out")}), kExitOk) << err_.str();
  EXPECT_EQ(out_.str(), At("out/1_a-p_7.png") + "\n");
  picture_ = "another PNG";
  EXPECT_EQ(Vico({"generate", "x", "a p", "--out", At("out")}), kExitOk);
  EXPECT_EQ(out_.str(), At("out/1_a-p_7_2.png") + "\n");
  EXPECT_EQ(Read("out/1_a-p_7.png"), "PNG");
  EXPECT_EQ(Vico({"generate", "x", "a p", "--out", At("out"), "--force"}), kExitOk);
  EXPECT_EQ(Read("out/1_a-p_7.png"), "another PNG");
}

TEST_F(CommandsTest, AJobDrawsAsManyPromptsOfAFileAsItMay) {
  Write("prompts", "p one\np two\n");
  EXPECT_EQ(Vico({"generate", "x", "--prompts", At("prompts"), "--out", At("out")}), kExitOk)
      << err_.str();
  EXPECT_EQ(calls_, 1);
  EXPECT_THAT(generated_.prompts(), testing::ElementsAre("p one", "p two"));
  EXPECT_EQ(generated_.prompt(), "");
  EXPECT_EQ(out_.str(), At("out/1_p-one_7.png") + "\n" + At("out/1_p-two_7.png") + "\n");
  EXPECT_FALSE(
      ParseArguments({"generate", "x", "p", "--prompts", "f"}, [] { return 0; }).arguments);
  EXPECT_EQ(Vico({"generate", "x", "--prompts", At("missing")}), kExitInvalidArgument);
  EXPECT_THAT(err_.str(), HasSubstr("--prompts"));
  EXPECT_EQ(calls_, 1);

  generations_.clear();
  std::string nine;
  for (int i = 0; i < 9; ++i) nine += "p" + std::to_string(i) + "\n";
  Write("nine", nine);
  EXPECT_EQ(Vico({"generate", "x", "--prompts", At("nine"), "--out", At("nine-out")}), kExitOk);
  ASSERT_EQ(generations_.size(), 2U);
  EXPECT_EQ(generations_[0].generate().prompts_size(), 8);
  EXPECT_THAT(generations_[1].generate().prompts(), testing::ElementsAre("p8"));
  generations_.clear();
  EXPECT_EQ(Vico({"generate", "x", "--prompts", At("nine"), "-n", "8", "--out", At("more")}),
            kExitOk);
  ASSERT_EQ(generations_.size(), 3U) << "of at most 32 pictures";
  EXPECT_EQ(generations_[0].generate().prompts_size(), 4);
}

TEST_F(CommandsTest, AGenerationStartsFromAPicture) {
  EXPECT_EQ(Vico({"generate", "x", "p", "--out", At("out"), "--init", "jobs/1/pictures/0", "--mask",
                  "concepts/2/pictures/1", "--denoise", "0.5", "--strength", "1.5", "--base-model",
                  "other"}),
            kExitOk)
      << err_.str();
  EXPECT_EQ(generated_.init_picture(), "jobs/1/pictures/0");
  EXPECT_EQ(generated_.mask_picture(), "concepts/2/pictures/1");
  EXPECT_EQ(generated_.denoise(), 0.5);
  EXPECT_EQ(generated_.strength(), 1.5);
  EXPECT_EQ(generated_.base_model(), "baseModels/other");
  EXPECT_EQ(generated_.adapter(), "adapters/x");
}

TEST_F(CommandsTest, ADryRunShowsTheJobAndQueuesNothing) {
  EXPECT_EQ(Vico({"train", "x", "--init-word", "dog", "--dry-run"}), kExitOk) << err_.str();
  EXPECT_TRUE(only_validated_);
  EXPECT_THAT(out_.str(), HasSubstr("baseModels/toy"));
  EXPECT_THAT(err_.str(), HasSubstr("nothing was queued"));
}

TEST_F(CommandsTest, AListSaysHowManyThereAre) {
  server_.list = [](const v1::ListConceptsRequest&, v1::ListConceptsResponse& response) {
    response.add_concepts()->set_name("concepts/1");
    response.set_total_size(139);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Vico({"concepts", "list", "--limit", "1"}), kExitOk);
  EXPECT_THAT(err_.str(), HasSubstr("1 of 139"));
}

TEST_F(CommandsTest, NumbersOf64BitsAreNumbersInJson) {
  EXPECT_EQ(Vico({"adapters", "show", "1", "--json"}), kExitOk);
  EXPECT_THAT(out_.str(), HasSubstr("\"size_bytes\":7,"));
}

TEST_F(CommandsTest, ADownloadDoesNotReplaceAFile) {
  Write("a", "mine");
  EXPECT_EQ(Vico({"adapters", "download", "1", "--out", At("a")}), kExitFailedPrecondition);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr(At("a")), HasSubstr("--force")));
  EXPECT_EQ(downloads_, 0);
  EXPECT_EQ(Read("a"), "mine");
  EXPECT_EQ(Vico({"adapters", "download", "1", "--out", At("a"), "--force"}), kExitOk);
  EXPECT_EQ(Read("a"), "adapter");
}

TEST_F(CommandsTest, TheSameDownloadTwiceIsNoError) {
  EXPECT_EQ(Vico({"adapters", "download", "1", "--out", At("a")}), kExitOk);
  EXPECT_EQ(Vico({"adapters", "download", "1", "--out", At("a")}), kExitOk) << err_.str();
  EXPECT_EQ(downloads_, 1);
}

TEST_F(CommandsTest, InAFolderADownloadIsNamedAfterTheId) {
  EXPECT_EQ(Vico({"adapters", "download", "1", "--out", folder_.path()}), kExitOk) << err_.str();
  EXPECT_EQ(out_.str(), At("1.safetensors") + "\n");
  EXPECT_EQ(Read("1.safetensors"), "adapter");
}

TEST_F(CommandsTest, TheReferenceDoesNotReplaceAFile) {
  Write("r", "mine");
  EXPECT_EQ(Vico({"adapters", "download", "1", "--out", At("a"), "--reference", At("r")}),
            kExitFailedPrecondition);
  EXPECT_EQ(downloads_, 0);
  EXPECT_EQ(
      Vico({"adapters", "download", "1", "--out", At("a"), "--reference", At("a"), "--force"}),
      kExitInvalidArgument);
}

TEST_F(CommandsTest, ADrawnSeedIsShownAndSent) {
  EXPECT_EQ(Vico({"generate", "x", "p", "--out", At("out"), "--seed", "-1"}), kExitOk);
  EXPECT_THAT(err_.str(), HasSubstr("seed 4242 (drawn)"));
  EXPECT_EQ(generated_.seeds(0), 4'242U);
  EXPECT_EQ(Vico({"train", "x", "--init-word", "dog", "--seed", "random"}), kExitOk);
  EXPECT_THAT(err_.str(), HasSubstr("seed 4242 (drawn)"));
  EXPECT_EQ(trained_.seed(), 4'242U);
}

TEST_F(CommandsTest, ANewJobHasItsNameAndLabels) {
  EXPECT_EQ(Vico({"train", "x", "--init-word", "dog", "--label", "owner=ana", "--label",
                  "b=", "--name", "my dog"}),
            kExitOk)
      << err_.str();
  EXPECT_EQ(training_.display_name(), "my dog");
  EXPECT_EQ(training_.labels().at("owner"), "ana");
  EXPECT_EQ(training_.labels().at("b"), "");
  EXPECT_EQ(Vico({"generate", "x", "p", "--out", At("out"), "--label", "owner=ana"}), kExitOk)
      << err_.str();
  EXPECT_EQ(generations_[0].display_name(), "");
  EXPECT_EQ(generations_[0].labels().at("owner"), "ana");
}

TEST_F(CommandsTest, WhatWasCreatedIsNamedIfItsLabelsAreNotSet) {
  server_.update_concept = [](const v1::UpdateConceptRequest&, v1::Concept&) {
    return ToGrpc(absl::NotFoundError("no such concept"));
  };
  server_.upload = [](FakeServer::Upload&, v1::UploadConceptResponse& response) {
    response.mutable_uploaded_concept()->set_name("concepts/7");
    return grpc::Status::OK;
  };
  Write("a", "a");
  Write("b", "b");
  EXPECT_EQ(Vico({"concepts", "upload", At("a"), At("b"), "--label", "a=b"}), kExitNotFound);
  EXPECT_EQ(out_.str(), "concepts/7\n");
  EXPECT_EQ(err_.str(),
            "error: concepts/7 was created, but its labels were not set: no such concept\n"
            "  set them:  vico concepts update concepts/7 --label a=b\n");
}

TEST_F(CommandsTest, AnUpdateNamesWhatItChanges) {
  v1::UpdateAdapterRequest update;
  server_.update_adapter = [&](const v1::UpdateAdapterRequest& request, v1::Adapter& adapter) {
    update = request;
    adapter.set_name("adapters/1");
    return grpc::Status::OK;
  };
  EXPECT_EQ(
      Vico({"adapters", "update", "1", "--label", "a=b", "--remove-label", "c", "--name", "robot"}),
      kExitOk)
      << err_.str();
  EXPECT_EQ(out_.str(), "adapters/1\n");
  EXPECT_EQ(update.adapter().name(), "adapters/1");
  EXPECT_EQ(update.adapter().display_name(), "robot");
  EXPECT_EQ(update.adapter().labels_size(), 1);
  EXPECT_THAT(update.update_mask().paths(),
              testing::ElementsAre("labels.a", "labels.c", "display_name"));
}

TEST_F(CommandsTest, LabelsAndTheDisplayNameAreShown) {
  server_.get_job = [](const v1::GetJobRequest& request, v1::Job& job) {
    job.set_name(request.name());
    job.set_display_name("first try");
    (*job.mutable_labels())["owner"] = "ana";
    return grpc::Status::OK;
  };
  EXPECT_EQ(Vico({"jobs", "show", "1"}), kExitOk);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("first try"), HasSubstr("owner=ana")));
}

TEST_F(CommandsTest, PicturesAreSavedWithoutTheirTexts) {
  const std::string plain = *EncodePng({1, 1, {1, 2, 3}});
  const std::vector<PngText> texts = {{"parameters", "a cat"}};
  picture_ = *AddPngText(plain, texts);
  EXPECT_EQ(Vico({"generate", "x", "p", "--out", At("out"), "--no-metadata"}), kExitOk)
      << err_.str();
  EXPECT_EQ(Read("out/1_p_7.png"), plain);
  EXPECT_EQ(Vico({"generate", "x", "p", "--out", At("out"), "--force"}), kExitOk);
  EXPECT_EQ(Read("out/1_p_7.png"), picture_);
}

TEST_F(CommandsTest, AJobThatWaitsForABaseModelSaysSo) {
  EXPECT_EQ(Vico({"train", "x", "--init-word", "dog"}), kExitOk);
  EXPECT_EQ(err_.str(), "");
  nobody_serves_ = true;
  EXPECT_EQ(Vico({"train", "x", "--init-word", "dog"}), kExitOk);
  EXPECT_EQ(out_.str(), "jobs/1\n");
  EXPECT_THAT(err_.str(), HasSubstr("warning: no worker serves baseModels/toy now; the job waits"));
  EXPECT_EQ(Vico({"train", "x", "--init-word", "dog", "--devices", "2"}), kExitOk);
  EXPECT_THAT(err_.str(), HasSubstr("no worker serves baseModels/toy with 2 devices now;"));
}

TEST_F(CommandsTest, WarningsOfAnAdapterAreShownEscaped) {
  warns_ = true;
  for (const auto& words :
       {std::vector<std::string>{"adapters", "show", "1"},
        std::vector<std::string>{"adapters", "download", "1", "--out", At("a")}}) {
    EXPECT_EQ(Vico(words), kExitOk);
    EXPECT_THAT(err_.str(), HasSubstr("warning: the word\\u{1b}[2J is common\\u{202e} (WORD)"));
  }
}

TEST_F(CommandsTest, JsonForATerminalIsEscaped) {
  warns_ = true;
  EXPECT_EQ(Vico({"adapters", "show", "1", "--json"}), kExitOk);
  EXPECT_THAT(out_.str(), AllOf(HasSubstr("\\u202e"), Not(HasSubstr("\xe2\x80\xae"))));
}

TEST(TableTest, ColumnsFitCharactersAndNotBytes) {
  EXPECT_EQ(Table({{"ñandú", "x"}, {"模型", "y"}, {"abcdef", "z"}}),
            "ñandú   x\n模型    y\nabcdef  z\n");
}

}  // namespace
}  // namespace vico::client
