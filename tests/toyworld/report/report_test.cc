// The report of a demo: reading its input files, report.json and the contact sheet.
#include "toyworld/report/report.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "common/crypto/sha256.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"
#include "tests/toyworld/plain_picture.h"
#include "toyworld/charts/contact_sheet.h"

namespace vico::toyworld {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using testing::HasSubstr;

std::string Bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The folder of a small demo: two concept pictures, a mask for the second, and two pictures for
// each of two prompts, before and after the training.
class ReportTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"concept", "masks", "out/before", "out/after"}) {
      fs::create_directories(root() / name);
    }
    Write("concept/a.png", PlainPicture(64, {200, 0, 0}));
    Write("concept/b.png", PlainPicture(64, {0, 200, 0}));
    WriteText("concept/concept.json", "{}");
    cv::Mat mask(16, 16, CV_8UC1, cv::Scalar(0));
    mask(cv::Rect(0, 0, 8, 16)).setTo(255);
    Write("masks/mask_1.png", mask);
    WriteGenerated("out/before", {"a robot at night", "a robot in the city"}, {90, 90, 90});
    WriteGenerated("out/after", {"a S* at night", "a S* in the city"}, {0, 0, 200});
    WriteText("run.json", Run().dump());
    paths_ = {Path("concept"),   Path("masks"),    Path("out/before"),
              Path("out/after"), Path("run.json"), Path("out")};
  }

  static Json Run() {
    return {{"base_model", "toyworld"},
            {"dialect", "paper"},
            {"images", 2},
            {"train_steps", 300},
            {"train_seconds", 40.5},
            {"seconds_per_step", 0.135},
            {"first_loss", 0.2},
            {"last_loss", 0.1},
            {"mask_coverage", 0.3},
            {"generate_seconds_per_picture", 0.7},
            {"peak_rss_mb", {{"server", 50}, {"worker", 20}, {"engine", 400}}}};
  }

  fs::path root() const { return folder_.path(); }
  std::string Path(const std::string& name) const { return (root() / name).string(); }
  void Write(const std::string& name, const cv::Mat& picture) {
    ASSERT_THAT(WritePicture(Path(name), picture), IsOk());
  }
  void WriteText(const std::string& name, const std::string& text) {
    std::ofstream(Path(name)) << text;
  }
  void WriteGenerated(const std::string& folder, const std::vector<std::string>& prompts,
                      const cv::Scalar& rgb) {
    Json list = Json::array();
    for (size_t p = 0; p < prompts.size(); ++p) {
      for (uint64_t seed = 1; seed <= 2; ++seed) {
        const std::string file = "p" + std::to_string(p) + "_" + std::to_string(seed) + ".png";
        Write(folder + "/" + file, PlainPicture(64, rgb));
        list.push_back({{"file", file},
                        {"prompt", prompts[p]},
                        {"seed", seed},
                        {"sha256", Sha256Hex(Bytes(Path(folder + "/" + file)))}});
      }
    }
    WriteText(folder + "/pictures.json", list.dump());
  }

  TempFolder folder_;
  ReportPaths paths_;
};

TEST_F(ReportTest, ReportHasExactlyTheDocumentedMembers) {
  const auto input = ReadReportInput(paths_);
  ASSERT_THAT(input, IsOk());
  Fidelity fidelity;
  fidelity.of_concept = {0.1, 0.8};
  fidelity.of_prompt = {1.0, 0.75};
  const Json report = MakeReport(*input, fidelity);
  std::vector<std::string> members;
  for (const auto& [key, value] : report.items()) members.push_back(key);
  EXPECT_THAT(members,
              testing::ElementsAre("base_model", "dialect", "images", "train_steps",
                                   "train_seconds", "seconds_per_step", "first_loss", "last_loss",
                                   "mask_coverage", "concept_fidelity", "prompt_fidelity",
                                   "generate_seconds_per_picture", "peak_rss_mb", "pictures"));
  EXPECT_EQ(report["train_seconds"], 40.5);
  EXPECT_EQ(report["concept_fidelity"], Json({{"before", 0.1}, {"after", 0.8}}));
  EXPECT_EQ(report["prompt_fidelity"]["after"], 0.75);
  ASSERT_EQ(report["pictures"].size(), 8u);
  EXPECT_EQ(report["pictures"][0]["file"], "before/p0_1.png");
  EXPECT_EQ(report["pictures"][7]["file"], "after/p1_2.png");
  EXPECT_EQ(report["pictures"][7]["prompt"], "a S* in the city");
  EXPECT_EQ(report["pictures"][7]["seed"], 2);
  EXPECT_EQ(report["pictures"][7]["sha256"], Sha256Hex(Bytes(Path("out/after/p1_2.png"))));
}

TEST_F(ReportTest, UnmeasuredFidelityIsNull) {
  const auto input = ReadReportInput(paths_);
  ASSERT_THAT(input, IsOk());
  const Json report = MakeReport(*input, {});
  EXPECT_TRUE(report["concept_fidelity"]["before"].is_null());
  EXPECT_TRUE(report["prompt_fidelity"]["after"].is_null());
}

TEST_F(ReportTest, SheetShowsConceptsMasksAndThePicturesBeforeAndAfter) {
  const auto input = ReadReportInput(paths_);
  ASSERT_THAT(input, IsOk());
  EXPECT_TRUE(input->masks[0].empty());
  const cv::Mat sheet = MakeReportSheet(*input);
  const auto pixels = [&](const cv::Vec3b& colour) {
    cv::Mat found;
    cv::inRange(sheet, colour, colour, found);
    return cv::countNonZero(found);
  };
  const int tile = 128 * 128;
  EXPECT_EQ(pixels({200, 0, 0}), tile);          // the concept picture without a mask
  EXPECT_GT(pixels({0, 200, 0}), tile * 5 / 4);  // the other one, and its masked left half below it
  EXPECT_LT(pixels({0, 200, 0}), tile * 7 / 4);
  EXPECT_EQ(pixels({90, 90, 90}), 4 * tile);
  EXPECT_EQ(pixels({0, 0, 200}), 4 * tile);
}

TEST_F(ReportTest, ErrorNamesAMissingMemberOfTheRun) {
  Json run = Run();
  run.erase("last_loss");
  WriteText("run.json", run.dump());
  const auto input = ReadReportInput(paths_);
  EXPECT_THAT(input, HasCode(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(input, HasMessage(HasSubstr("last_loss")));
}

TEST_F(ReportTest, PictureWithAnotherDigestThanListedIsDataLoss) {
  Write("out/after/p1_2.png", PlainPicture(64, {1, 2, 3}));
  const auto input = ReadReportInput(paths_);
  EXPECT_THAT(input, HasCode(absl::StatusCode::kDataLoss));
  EXPECT_THAT(input, HasMessage(HasSubstr("p1_2.png")));
}

TEST_F(ReportTest, MissingPictureListAndEmptyConceptFolderAreErrors) {
  fs::remove(root() / "out/before/pictures.json");
  EXPECT_THAT(ReadReportInput(paths_), HasCode(absl::StatusCode::kNotFound));
  fs::remove_all(root() / "concept");
  fs::create_directories(root() / "concept");
  EXPECT_THAT(ReadReportInput(paths_), HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace vico::toyworld
