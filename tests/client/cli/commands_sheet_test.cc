// `vico sheet` against a server in this process.
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "client/cli/commands.h"
#include "client/pixels/pixels.h"
#include "common/crypto/sha256.h"
#include "tests/client/cli/command_line.h"

namespace vico::client {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

// The colour of a picture says its seed, and whether an adapter drew it.
std::vector<std::uint8_t> ColourOf(const v1::GenerateSpec& spec, std::uint64_t seed) {
  return {static_cast<std::uint8_t>(seed),
          spec.adapter().empty() ? std::uint8_t{0} : std::uint8_t{200}, 7};
}

class SheetCommandTest : public CommandLineTest {
 protected:
  SheetCommandTest() {
    server_.get_adapter = [](const v1::GetAdapterRequest& request, v1::Adapter& adapter) {
      adapter.set_name(request.name());
      adapter.set_placeholder("S*");
      adapter.set_init_word("owl");
      adapter.set_base_model("baseModels/toy");
      return grpc::Status::OK;
    };
    server_.generate = [this](const v1::CreateGenerationJobRequest& request,
                              FakeServer::Events& events) {
      specs_.push_back(request.generate());
      if (specs_.size() == failing_) {
        SendEnd(events, /*fails=*/true, 1);
        return grpc::Status::OK;
      }
      int index = 0;
      for (const std::uint64_t seed : request.generate().seeds()) {
        SendPicture(events, ColourOf(request.generate(), seed), seed, index++);
      }
      SendEnd(events, /*fails=*/false, static_cast<std::uint64_t>(index) + 1);
      return grpc::Status::OK;
    };
  }

  std::string JobName() const { return "jobs/" + std::to_string(specs_.size()); }

  void SendPicture(FakeServer::Events& events, const std::vector<std::uint8_t>& colour,
                   std::uint64_t seed, int index) const {
    Pixels pixels{16, 16, {}};
    for (int i = 0; i < 16 * 16; ++i) {
      pixels.rgb.insert(pixels.rgb.end(), colour.begin(), colour.end());
    }
    const std::string png = damaged_ ? "PNG" : *EncodePng(pixels);
    v1::WatchJobResponse message;
    message.set_job(JobName());
    v1::Event& event = *message.mutable_event();
    event.set_sequence(static_cast<std::uint64_t>(index) + 1);
    event.mutable_picture()->set_seed(seed);
    event.mutable_picture()->set_index(index);
    event.mutable_picture()->mutable_blob()->set_sha256(Sha256Hex(png));
    event.mutable_picture()->mutable_blob()->set_size_bytes(png.size());
    events.Write(message);
    v1::WatchJobResponse chunk;
    chunk.set_job(JobName());
    chunk.mutable_chunk()->set_sha256(Sha256Hex(png));
    chunk.mutable_chunk()->set_data(png);
    chunk.mutable_chunk()->set_last(true);
    events.Write(chunk);
  }

  void SendEnd(FakeServer::Events& events, bool fails, std::uint64_t sequence) const {
    v1::WatchJobResponse end;
    end.set_job(JobName());
    end.mutable_event()->set_sequence(sequence);
    if (fails) {
      end.mutable_event()->mutable_failed()->mutable_status()->set_code(13);
    } else {
      end.mutable_event()->mutable_succeeded();
    }
    events.Write(end);
  }

  /// How many pixels of the sheet have each colour.
  std::map<std::vector<std::uint8_t>, int> Colours(const std::string& name) const {
    std::map<std::vector<std::uint8_t>, int> counts;
    const auto pixels = DecodePng(Read(name));
    EXPECT_TRUE(pixels.ok()) << pixels.status();
    if (!pixels.ok()) return counts;
    for (std::size_t i = 0; i < pixels->rgb.size(); i += 3) {
      ++counts[{pixels->rgb[i], pixels->rgb[i + 1], pixels->rgb[i + 2]}];
    }
    return counts;
  }

  std::vector<v1::GenerateSpec> specs_;
  std::size_t failing_ = 0;  // number of the job that fails, from 1
  bool damaged_ = false;
};

TEST_F(SheetCommandTest, EachPromptIsAJobWithAllSeeds) {
  ASSERT_EQ(Vico({"sheet", "1", "--prompt", "S* one", "--prompt", "S* two", "--seeds", "40,50",
                  "--steps", "9", "--out", At("s.png"), "--tile", "32"}),
            kExitOk)
      << err_.str();
  ASSERT_THAT(specs_, SizeIs(2));
  EXPECT_EQ(specs_[0].prompt(), "S* one");
  EXPECT_EQ(specs_[1].prompt(), "S* two");
  EXPECT_EQ(specs_[1].adapter(), "adapters/1");
  EXPECT_EQ(specs_[1].steps(), 9);
  EXPECT_THAT(specs_[1].seeds(), ElementsAre(40, 50));
  EXPECT_EQ(out_.str(), At("s.png") + "\n");
  EXPECT_THAT(err_.str(), HasSubstr("1 of 2: S* one\n"));
  const auto colours = Colours("s.png");
  EXPECT_EQ(colours.at({40, 200, 7}), 2 * 32 * 32);
  EXPECT_EQ(colours.at({50, 200, 7}), 2 * 32 * 32);
}

TEST_F(SheetCommandTest, WithoutPromptsTheAdaptersWordIsInFourScenes) {
  ASSERT_EQ(Vico({"sheet", "12345678abcdef0123456789abcdef01", "--out", folder_.path()}), kExitOk)
      << err_.str();
  ASSERT_THAT(specs_, SizeIs(4));
  for (const auto& spec : specs_) {
    EXPECT_THAT(spec.prompt(), HasSubstr("S*"));
    EXPECT_THAT(spec.seeds(), ElementsAre(1, 2, 3));
  }
  EXPECT_EQ(out_.str(), At("12345678_sheet.png") + "\n");
}

TEST_F(SheetCommandTest, BareDrawsTheSameSeedsWithTheClass) {
  ASSERT_EQ(Vico({"sheet", "1", "--prompt", "a photo of a S* and S*", "--seeds", "40", "--bare",
                  "--tile", "32", "--out", At("s.png")}),
            kExitOk)
      << err_.str();
  ASSERT_THAT(specs_, SizeIs(2));
  EXPECT_EQ(specs_[0].prompt(), "a photo of an owl and an owl");
  EXPECT_EQ(specs_[0].adapter(), "");
  EXPECT_EQ(specs_[0].base_model(), "baseModels/toy");
  EXPECT_THAT(specs_[0].seeds(), ElementsAre(40));
  EXPECT_EQ(specs_[1].base_model(), "");
  const auto colours = Colours("s.png");
  EXPECT_EQ(colours.at({40, 0, 7}), 32 * 32);
  EXPECT_EQ(colours.at({40, 200, 7}), 32 * 32);
}

TEST_F(SheetCommandTest, AFileStaysAndIsFoundBeforeTheWork) {
  std::ofstream(At("s.png")) << "mine";
  EXPECT_EQ(Vico({"sheet", "1", "--out", At("s.png")}), kExitFailedPrecondition);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr(At("s.png")), HasSubstr("--force")));
  EXPECT_EQ(Vico({"sheet", "1", "--out", At("s.jpg")}), kExitInvalidArgument);
  EXPECT_EQ(Vico({"sheet", "1", "--out", At("s.png/s.png")}), kExitInvalidArgument);
  EXPECT_THAT(err_.str(), HasSubstr("--out"));
  EXPECT_THAT(specs_, SizeIs(0));
  EXPECT_EQ(Read("s.png"), "mine");
  EXPECT_EQ(Vico({"sheet", "1", "--out", At("s.png"), "--force"}), kExitOk) << err_.str();
  EXPECT_NE(Read("s.png"), "mine");
}

TEST_F(SheetCommandTest, AFileThatComesDuringTheWorkStays) {
  const auto generate = server_.generate;
  server_.generate = [&](const v1::CreateGenerationJobRequest& request,
                         FakeServer::Events& events) {
    std::ofstream(At("s.png")) << "mine";
    return generate(request, events);
  };
  EXPECT_EQ(Vico({"sheet", "1", "--prompt", "p", "--out", At("s.png")}), kExitOk) << err_.str();
  EXPECT_EQ(Read("s.png"), "mine");
  EXPECT_EQ(out_.str(), At("s_2.png") + "\n");
}

TEST_F(SheetCommandTest, AJobThatFailsEndsTheCommandWithoutASheet) {
  failing_ = 2;
  EXPECT_EQ(
      Vico({"sheet", "1", "--prompt", "a", "--prompt", "b", "--prompt", "c", "--out", At("s.png")}),
      kExitJobFailed);
  EXPECT_THAT(specs_, SizeIs(2));
  EXPECT_THAT(err_.str(), HasSubstr("no sheet was written"));
  EXPECT_FALSE(std::filesystem::exists(At("s.png")));
}

TEST_F(SheetCommandTest, ADamagedPictureIsAnError) {
  damaged_ = true;
  EXPECT_EQ(Vico({"sheet", "1", "--prompt", "a", "--out", At("s.png")}), kExitInvalidArgument);
  EXPECT_THAT(err_.str(), HasSubstr("not a PNG"));
}

TEST_F(SheetCommandTest, PromptsOfAFileAreRows) {
  std::ofstream(At("prompts")) << "one\n# no\ntwo\n";
  EXPECT_EQ(Vico({"sheet", "1", "--prompts", At("prompts"), "--out", At("s.png")}), kExitOk)
      << err_.str();
  EXPECT_THAT(specs_, SizeIs(2));
  EXPECT_FALSE(ParseArguments({"sheet", "1", "--prompts", "f", "--prompt", "p"}, [] {
                 return 0;
               }).arguments);
}

TEST_F(SheetCommandTest, ASheetThatIsTooLargeIsFoundBeforeTheWork) {
  EXPECT_EQ(Vico({"sheet", "1", "--prompt", "a", "--prompt", "b", "--seeds",
                  "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", "--bare", "--tile", "2048", "--out",
                  At("s.png")}),
            kExitInvalidArgument);
  EXPECT_THAT(err_.str(), HasSubstr("--tile: 68 pictures of 2048 x 2048 pixels"));
  EXPECT_THAT(specs_, SizeIs(0));
}

TEST_F(SheetCommandTest, WithJsonTheLastLineNamesFileAndJobs) {
  ASSERT_EQ(Vico({"sheet", "1", "--prompt", "a", "--seeds", "18446744073709551615", "--json",
                  "--out", At("s.png")}),
            kExitOk)
      << err_.str();
  EXPECT_EQ(err_.str(), "");
  std::istringstream lines(out_.str());
  std::string last;
  for (std::string line; std::getline(lines, line);) last = line;
  const auto json = nlohmann::json::parse(last);
  EXPECT_EQ(json["file"], At("s.png"));
  EXPECT_EQ(json["jobs"][0]["job"], "jobs/1");
  EXPECT_EQ(json["jobs"][0]["prompt"], "a");
  EXPECT_EQ(json["jobs"][0]["seeds"][0], 18446744073709551615U);
}

TEST_F(SheetCommandTest, LettersThatTheFontLacksAreTold) {
  EXPECT_EQ(Vico({"sheet", "1", "--prompt", "café S*", "--out", At("a.png")}), kExitOk);
  EXPECT_THAT(err_.str(), Not(HasSubstr("ASCII")));
  EXPECT_EQ(Vico({"sheet", "1", "--prompt", "一只 S*", "--out", At("b.png")}), kExitOk);
  EXPECT_THAT(err_.str(), HasSubstr("ASCII"));
}

TEST_F(SheetCommandTest, WithoutATerminalShowSaysSoOnce) {
  EXPECT_EQ(Vico({"sheet", "1", "--prompt", "a", "--prompt", "b", "--show", "--out", At("a.png")}),
            kExitOk);
  const std::string note = "--show: there is no terminal, so nothing is drawn\n";
  const auto first = err_.str().find(note);
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(err_.str().find(note, first + 1), std::string::npos);
}

}  // namespace
}  // namespace vico::client
