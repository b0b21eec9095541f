// The judges on pictures: names, stops, and what the toy world's scorer sees in examples.
#include "worker/evaluation/judge.h"

#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "worker/evaluation/embeddings.h"

namespace vico::worker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kScorer[] = "toyworld/base/scorer.safetensors";

Pixels Example(const std::string& toy, const std::string& scene) {
  std::ifstream file("examples/" + toy + "/" + scene + ".png", std::ios::binary);
  return DecodePng(std::string{std::istreambuf_iterator<char>(file), {}}).value();
}

const std::function<bool()> kGoOn = [] { return true; };

TEST(JudgeTest, ANameHasTheUsualSizes) {
  EXPECT_EQ(VisionName({}), "ViT-B/32");
  EXPECT_EQ(VisionName({.hidden_size = 1024, .num_hidden_layers = 24, .patch_size = 14}),
            "ViT-L/14");
  EXPECT_EQ(VisionName({.hidden_size = 384, .patch_size = 16}), "ViT-S/16");
  EXPECT_EQ(VisionName({.hidden_size = 16, .num_hidden_layers = 2, .patch_size = 8}),
            "ViT 16 wide/8");
  EXPECT_THAT((*OpenClipJudge("tests/golden/towers/clip"))->name(), HasSubstr("CLIP ViT "));
  EXPECT_THAT((*OpenDinoJudge("tests/golden/towers/dino"))->name(), HasSubstr("DINO ViT "));
  EXPECT_EQ((*OpenScorerJudge(kScorer))->name(), "toyworld scorer");
}

TEST(JudgeTest, TheScorerTellsTheConceptFromAnotherAndASceneFromAnother) {
  const auto judge = OpenScorerJudge(kScorer);
  ASSERT_THAT(judge, IsOk());
  const auto measured = (*judge)->Measure(
      {.real = {Example("mug", "beach"), Example("mug", "brick")},
       .generated = {Example("mug", "grass"), Example("robot", "grass"), Example("mug", "beach")},
       .prompts = {"a photo of a mug on the grass", "a robot in the city", "a mug"}},
      kGoOn);
  ASSERT_THAT(measured, IsOk());
  std::map<std::string, std::vector<std::optional<double>>> figures;
  for (const auto& figure : *measured) figures[figure.name] = figure.values;
  const auto& fidelity = figures.at("concept_fidelity");
  EXPECT_GT(*fidelity[0], *fidelity[1] + 0.5);
  EXPECT_THAT(figures.at("prompt_fidelity"), ElementsAre(1.0, 0.0, std::nullopt));
  EXPECT_NEAR(*figures.at("nearest_picture")[2], 1, 1e-5) << "a copy";
  EXPECT_LT(*figures.at("nearest_picture")[1], 0.9);
}

TEST(JudgeTest, AStopIsHeardBetweenPictures) {
  for (auto open : {&OpenClipJudge, &OpenDinoJudge, &OpenScorerJudge}) {
    const auto judge = open == &OpenClipJudge   ? open("tests/golden/towers/clip")
                       : open == &OpenDinoJudge ? open("tests/golden/towers/dino")
                                                : open(kScorer);
    ASSERT_THAT(judge, IsOk());
    int asked = 0;
    const auto measured = (*judge)->Measure({.real = {Example("mug", "beach")},
                                             .generated = {Example("mug", "grass")},
                                             .prompts = {"a mug"}},
                                            [&] { return ++asked < 2; });
    EXPECT_THAT(measured, HasCode(absl::StatusCode::kCancelled));
    EXPECT_EQ(asked, 2);
  }
}

}  // namespace
}  // namespace vico::worker
