// `vico sheet` against a server in this process.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
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
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

// The colour of a picture says its seed, whether an adapter drew it, and the last letter of its
// prompt.
std::vector<std::uint8_t> ColourOf(const v1::GenerateSpec& spec, const std::string& prompt,
                                   std::uint64_t seed) {
  return {static_cast<std::uint8_t>(seed),
          spec.adapter().empty() ? std::uint8_t{0} : std::uint8_t{200},
          static_cast<std::uint8_t>(prompt.back())};
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
      const v1::GenerateSpec& spec = request.generate();
      int index = 0;
      for (const std::string& prompt : spec.prompts()) {
        for (const std::uint64_t seed : spec.seeds()) {
          SendPicture(events, ColourOf(spec, prompt, seed), seed, index++);
        }
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

  /// Column and row of the first pixel of a colour, from the top and the left.
  std::pair<int, int> FirstOf(const std::string& name,
                              const std::vector<std::uint8_t>& colour) const {
    const auto pixels = DecodePng(Read(name));
    EXPECT_TRUE(pixels.ok()) << pixels.status();
    if (!pixels.ok()) return {-1, -1};
    for (std::size_t i = 0; i < pixels->rgb.size(); i += 3) {
      if (!std::equal(colour.begin(), colour.end(), pixels->rgb.begin() + static_cast<long>(i)))
        continue;
      const int pixel = static_cast<int>(i / 3);
      return {pixel % pixels->width, pixel / pixels->width};
    }
    ADD_FAILURE() << "the sheet has no such colour";
    return {-1, -1};
  }

  std::string LastLine() const {
    std::istringstream lines(out_.str());
    std::string last;
    for (std::string line; std::getline(lines, line);) last = line;
    return last;
  }

  std::vector<v1::GenerateSpec> specs_;
  std::size_t failing_ = 0;  // number of the job that fails, from 1
  bool damaged_ = false;
};

TEST_F(SheetCommandTest, OneJobDrawsAllPromptsWithAllSeeds) {
  ASSERT_EQ(Vico({"sheet", "1", "--prompt", "S* one", "--prompt", "S* two", "--seeds", "40,50",
                  "--steps", "9", "--out", At("s.png"), "--tile", "32"}),
            kExitOk)
      << err_.str();
  ASSERT_THAT(specs_, SizeIs(1));
  EXPECT_THAT(specs_[0].prompts(), ElementsAre("S* one", "S* two"));
  EXPECT_EQ(specs_[0].prompt(), "");
  EXPECT_EQ(specs_[0].picture_count(), 2);
  EXPECT_EQ(specs_[0].adapter(), "adapters/1");
  EXPECT_EQ(specs_[0].steps(), 9);
  EXPECT_THAT(specs_[0].seeds(), ElementsAre(40, 50));
  EXPECT_EQ(out_.str(), At("s.png") + "\n");
  EXPECT_THAT(err_.str(), HasSubstr("1 of 2: S* one\n2 of 2: S* two\n"));
  const auto colours = Colours("s.png");
  EXPECT_EQ(colours.at({40, 200, 'e'}), 32 * 32);
  EXPECT_EQ(colours.at({50, 200, 'e'}), 32 * 32);
  EXPECT_EQ(colours.at({40, 200, 'o'}), 32 * 32);
  EXPECT_EQ(colours.at({50, 200, 'o'}), 32 * 32);
}

TEST_F(SheetCommandTest, PicturesStandInTheRowOfTheirPromptAndTheColumnOfTheirSeed) {
  ASSERT_EQ(Vico({"sheet", "1", "--prompt", "a", "--prompt", "b", "--seeds", "40,50", "--bare",
                  "--tile", "32", "--out", At("s.png")}),
            kExitOk)
      << err_.str();
  const auto [column_40, row_a] = FirstOf("s.png", {40, 0, 'a'});
  const auto [column_50, row_a_50] = FirstOf("s.png", {50, 0, 'a'});
  const auto [column_adapter, row_a_adapter] = FirstOf("s.png", {40, 200, 'a'});
  const auto [column_40_b, row_b] = FirstOf("s.png", {40, 0, 'b'});
  EXPECT_LT(column_40, column_50);
  EXPECT_LT(column_50, column_adapter);
  EXPECT_EQ(column_40_b, column_40);
  EXPECT_LT(row_a, row_b);
  EXPECT_EQ(row_a_50, row_a);
  EXPECT_EQ(row_a_adapter, row_a);
}

TEST_F(SheetCommandTest, MorePromptsThanAJobMayHaveAreSeveralJobs) {
  std::vector<std::string> words = {"sheet", "1", "--seeds", "40", "--json", "--out", At("s.png")};
  for (const char letter : std::string("abcdefghi")) {
    words.insert(words.end(), {"--prompt", std::string(1, letter)});
  }
  ASSERT_EQ(Vico(words), kExitOk) << err_.str();
  ASSERT_THAT(specs_, SizeIs(2));
  EXPECT_THAT(specs_[0].prompts(), SizeIs(8));
  EXPECT_THAT(specs_[1].prompts(), ElementsAre("i"));
  EXPECT_EQ(Colours("s.png").count({40, 200, 'i'}), 1U);
  const nlohmann::json jobs = nlohmann::json::parse(LastLine())["jobs"];
  EXPECT_EQ(jobs[7]["job"], "jobs/1");
  EXPECT_EQ(jobs[8]["job"], "jobs/2");
  EXPECT_EQ(jobs[8]["prompt"], "i");
}

TEST_F(SheetCommandTest, WithoutPromptsTheAdaptersWordIsInFourScenes) {
  ASSERT_EQ(Vico({"sheet", "12345678abcdef0123456789abcdef01", "--out", folder_.path()}), kExitOk)
      << err_.str();
  ASSERT_THAT(specs_, SizeIs(1));
  EXPECT_THAT(specs_[0].prompts(), AllOf(SizeIs(4), Each(HasSubstr("S*"))));
  EXPECT_THAT(specs_[0].seeds(), ElementsAre(1, 2, 3));
  EXPECT_EQ(out_.str(), At("12345678_sheet.png") + "\n");
}

TEST_F(SheetCommandTest, BareDrawsTheSameSeedsWithTheClass) {
  ASSERT_EQ(Vico({"sheet", "1", "--prompt", "a photo of a S* and S*", "--seeds", "40", "--bare",
                  "--tile", "32", "--out", At("s.png")}),
            kExitOk)
      << err_.str();
  ASSERT_THAT(specs_, SizeIs(2));
  EXPECT_THAT(specs_[0].prompts(), ElementsAre("a photo of an owl and an owl"));
  EXPECT_EQ(specs_[0].adapter(), "");
  EXPECT_EQ(specs_[0].base_model(), "baseModels/toy");
  EXPECT_THAT(specs_[0].seeds(), ElementsAre(40));
  EXPECT_EQ(specs_[1].base_model(), "");
  const auto colours = Colours("s.png");
  EXPECT_EQ(colours.at({40, 0, 'l'}), 32 * 32);
  EXPECT_EQ(colours.at({40, 200, '*'}), 32 * 32);
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
  std::vector<std::string> words = {"sheet", "1", "--bare", "--out", At("s.png")};
  for (int i = 0; i < 9; ++i) words.insert(words.end(), {"--prompt", "a"});
  EXPECT_EQ(Vico(words), kExitJobFailed);
  EXPECT_THAT(specs_, SizeIs(2)) << "of four";
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
  ASSERT_THAT(specs_, SizeIs(1));
  EXPECT_THAT(specs_[0].prompts(), ElementsAre("one", "two"));
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
  const auto json = nlohmann::json::parse(LastLine());
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
