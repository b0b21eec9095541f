// The scorer: shapes, files, training data, accuracy of the shipped weights, and fidelity measured
// on drawn pictures.
#include "toyworld/scorer/scorer.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <torch/optim/adamw.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"
#include "toyworld/report/fidelity.h"
#include "toyworld/scorer/part_map.h"
#include "toyworld/scorer/scorer_training.h"
#include "toyworld/world/captions.h"

namespace vico::toyworld {
namespace {

constexpr char kShipped[] = "toyworld/base/scorer.safetensors";

class ScorerTest : public testing::Test {
 protected:
  void SetUp() override {
    at::set_num_threads(1);
    torch::manual_seed(1);
  }
};

TEST_F(ScorerTest, OutputsHaveTheDocumentedShapes) {
  Scorer scorer;
  const Scores scores = scorer(at::rand({2, 3, 64, 64}));
  EXPECT_EQ(scores.toy_class.sizes(), at::IntArrayRef({2, 10}));
  EXPECT_EQ(scores.scene.sizes(), at::IntArrayRef({2, 9}));
  EXPECT_EQ(scores.colours.sizes(), at::IntArrayRef({2, 3, 12}));
  EXPECT_EQ(scores.parts.sizes(), at::IntArrayRef({2, 5, 32, 32}));
  EXPECT_EQ(scores.features.sizes(), at::IntArrayRef({2, 256}));
  EXPECT_EQ(scores.pattern.sizes(), at::IntArrayRef({2, 4}));
  EXPECT_EQ(scores.accessory.sizes(), at::IntArrayRef({2, 10, 4}));
  EXPECT_EQ(scores.embedding.sizes(), at::IntArrayRef({2, 64}));
  EXPECT_TRUE(at::allclose(scores.embedding.norm(2, {1}), at::ones({2})));
}

TEST_F(ScorerTest, SavedFileIsSmallAndLoadsWithTheSameWeights) {
  const TempFolder folder;
  const std::string path = folder.path() + "/scorer.safetensors";
  Scorer scorer;
  ASSERT_THAT(SaveScorer(scorer, path), IsOk());
  EXPECT_LT(std::filesystem::file_size(path), 2500000u);
  auto loaded = LoadScorer(path);
  ASSERT_THAT(loaded, IsOk());
  const torch::NoGradGuard no_grad;
  const torch::Tensor image = at::rand({2, 3, 64, 64});
  EXPECT_TRUE(at::allclose(scorer(image).scene, (*loaded)(image).scene, 1e-2, 1e-2));
}

TEST_F(ScorerTest, MissingFileIsNotFound) {
  EXPECT_THAT(LoadScorer("nowhere.safetensors"), HasCode(absl::StatusCode::kNotFound));
}

TEST_F(ScorerTest, BothPicturesOfAPairShowTheSameToy) {
  const PairBatch batch = DrawPairs(3, 16, 0.5);
  EXPECT_EQ(batch.image01.sizes(), at::IntArrayRef({32, 3, 64, 64}));
  EXPECT_GE(batch.image01.min().item<float>(), 0);
  EXPECT_LE(batch.image01.max().item<float>(), 1);
  for (const Label column : {kLabelClass, kLabelPattern, kLabelAccessory}) {
    const torch::Tensor label = batch.labels.select(1, column);
    EXPECT_TRUE(at::equal(label.narrow(0, 0, 16), label.narrow(0, 16, 16)));
  }
  for (const Label column : {kLabelColour1, kLabelColour2, kLabelColour3}) {
    const torch::Tensor label = batch.labels.select(1, column);
    const torch::Tensor a = label.narrow(0, 0, 16), b = label.narrow(0, 16, 16);
    EXPECT_TRUE(((a == b) | (a == kNotShown) | (b == kNotShown)).all().item<bool>());
  }
  EXPECT_TRUE(at::equal(batch.image01, DrawPairs(3, 16, 0.5).image01));
}

TEST_F(ScorerTest, PartMapSeparatesThePartsOfTheToy) {
  Random random(9);
  const Instance toy = RandomInstance(random, kRobot);
  const auto draw = [](const Instance& shown) { return Draw(shown, kGrass, 77); };
  const torch::Tensor parts = TruePartMap(draw, toy);
  ASSERT_EQ(parts.sizes(), at::IntArrayRef({5, 32, 32}));
  EXPECT_TRUE(at::allclose(parts.sum(0), at::ones({32, 32}), 1e-3, 1e-3));
  const torch::Tensor areas = parts.sum({1, 2});
  for (const Part part : {kBody, kSecondary, kAccent, kUnpainted}) {  // a robot has all four
    EXPECT_GT(areas[part].item<float>(), 3.0F) << part;
  }
  EXPECT_GT(parts[kScenery][0][0].item<float>(), 0.99F);
}

TEST_F(ScorerTest, DisturbIsDeterministicAndChangesThePictureSlightly) {
  const PairBatch batch = DrawPairs(4, 16, 0);
  const torch::Tensor soft = Disturb(batch.image01, 5);
  EXPECT_TRUE(at::equal(soft, Disturb(batch.image01, 5)));
  const double error = (soft - batch.image01).pow(2).mean().item<double>();
  EXPECT_GT(error, 1e-4);
  EXPECT_LT(error, 1e-2);
}

TEST_F(ScorerTest, LossDecreasesInTrainingOnOneBatch) {
  Scorer scorer;
  torch::optim::AdamW optimizer(scorer->parameters(), torch::optim::AdamWOptions(2e-3));
  const PairBatch batch = DrawPairs(6, 8, 0);
  double first = 0, last = 0;
  for (int step = 0; step < 12; ++step) {
    const torch::Tensor loss = ScorerLoss(scorer(batch.image01), batch);
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
    last = loss.item<double>();
    if (step == 0) first = last;
  }
  EXPECT_LT(last, 0.75 * first);
}

TEST_F(ScorerTest, ShippedWeightsReachTheExpectedAccuracy) {
  auto scorer = LoadScorer(kShipped);
  ASSERT_THAT(scorer, IsOk());
  const HeldOut figures = Examine(*scorer, DrawPairs(0xfeed, 64, 0));
  EXPECT_GE(figures.accuracy[kLabelClass], 0.97);
  EXPECT_GE(figures.accuracy[kLabelScene], 0.97);
  EXPECT_GE(figures.accuracy[kLabelColour1], 0.93);
  EXPECT_GE(figures.accuracy[kLabelColour2], 0.95);
  EXPECT_GE(figures.accuracy[kLabelColour3], 0.95);
  EXPECT_GE(figures.accuracy[kLabelPattern], 0.95);
  EXPECT_GE(figures.mask_iou, 0.92);
  EXPECT_GE(figures.retrieval, 0.95);  // among 64 pairs
  EXPECT_GE(figures.same_cosine, figures.class_cosine + 0.6);
}

GeneratedPicture Shown(const Instance& toy, int scene, uint64_t seed, int asked) {
  GeneratedPicture picture;
  picture.prompt = "a photo of a S* " + std::string(kScenes[asked].phrases[0]);
  picture.picture = Draw(toy, scene, seed).image;
  return picture;
}

TEST_F(ScorerTest, FidelityIsHigherForTheRightToyAndTheRightScene) {
  auto scorer = LoadScorer(kShipped);
  ASSERT_THAT(scorer, IsOk());
  Random random(17);
  const Instance toy = RandomInstance(random, kRobot);
  ReportInput input;
  for (int i = 0; i < 5; ++i) input.concept_pictures.push_back(Draw(toy, i, 50 + i).image);
  for (int i = 0; i < 6; ++i) {
    const Instance other = RandomInstance(random, kRobot);
    input.before.push_back(Shown(other, i, 70 + i, (i + 1) % kSceneCount));  // wrong toy and scene
    input.after.push_back(Shown(toy, i, 90 + i, i));
  }
  const Fidelity fidelity = MeasureFidelity(*scorer, input);
  EXPECT_GT(*fidelity.of_concept.after, *fidelity.of_concept.before + 0.3);
  EXPECT_LE(*fidelity.of_prompt.before, 0.2);
  EXPECT_GE(*fidelity.of_prompt.after, 0.8);
}

TEST_F(ScorerTest, PromptWithoutASceneHasNoPromptFidelity) {
  Scorer scorer;
  Random random(18);
  const Instance toy = RandomInstance(random);
  ReportInput input;
  input.concept_pictures = {Draw(toy, 0, 1).image};
  input.before = {Shown(toy, 0, 2, 0)};
  input.before[0].prompt = "a photo of a robot";
  const Fidelity fidelity = MeasureFidelity(scorer, input);
  EXPECT_TRUE(fidelity.of_concept.before.has_value());
  EXPECT_EQ(fidelity.of_prompt.before, std::nullopt);
  EXPECT_EQ(fidelity.of_concept.after, std::nullopt);  // no pictures after the training
}

}  // namespace
}  // namespace vico::toyworld
