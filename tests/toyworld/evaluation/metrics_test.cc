// The evaluation: metrics against closed-form values, records after an interrupted write, held-out
// concepts and variants.
#include "toyworld/evaluation/metrics.h"

#include <cmath>
#include <fstream>

#include <gmock/gmock.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_folder.h"
#include "toyworld/evaluation/held_out.h"
#include "toyworld/evaluation/records.h"
#include "toyworld/evaluation/variants.h"

namespace vico::toyworld {
namespace {

// Two points on each axis: mean 0, variances s1^2 and s2^2, no covariance.
torch::Tensor Cross(double s1, double s2) {
  const double a = s1 * std::sqrt(1.5), b = s2 * std::sqrt(1.5);
  return torch::tensor({{a, 0.0}, {-a, 0.0}, {0.0, b}, {0.0, -b}}, torch::kDouble);
}

TEST(FrechetDistanceTest, EqualSamplesHaveDistanceZero) {
  const torch::Tensor a = Cross(1, 2);
  EXPECT_NEAR(FrechetDistance(a, a), 0, 1e-9);
}

TEST(FrechetDistanceTest, ShiftedSamplesHaveTheSquaredShiftAsDistance) {
  const torch::Tensor a = Cross(1, 2);
  EXPECT_NEAR(FrechetDistance(a, a + torch::tensor({3.0, 4.0}, torch::kDouble)), 25, 1e-9);
}

TEST(FrechetDistanceTest, AlignedAxesAddTheirSquaredDifferencesOfDeviations) {
  // (1 - 3)^2 + (2 - 5)^2
  EXPECT_NEAR(FrechetDistance(Cross(1, 2), Cross(3, 5)), 13, 1e-9);
}

TEST(FrechetDistanceTest, CovarianceChangesTheDistance) {
  // C_a = diag(4, 1), and C_b is C_a rotated by 90 degrees: tr(C_a + C_b) - 2 tr(diag(2, 2)).
  EXPECT_NEAR(FrechetDistance(Cross(2, 1), Cross(1, 2)), 10 - 8, 1e-9);
  // Rotated by 45 degrees, C_a C_b has trace 12.5 and determinant 16.
  const double r = std::sqrt(0.5);
  const torch::Tensor turn = torch::tensor({{r, r}, {-r, r}}, torch::kDouble);
  const double cross =
      std::sqrt(12.5 + 2 * 4);  // sum of the eigenvalues' roots: sqrt(trace + 2 sqrt(det))
  EXPECT_NEAR(FrechetDistance(Cross(2, 1), Cross(2, 1).matmul(turn)), 10 - 2 * cross, 1e-9);
}

TEST(MaskIouTest, ResultIsIntersectionOverUnionAtTheSizeOfTheSeenMask) {
  cv::Mat seen = cv::Mat::zeros(4, 4, CV_8UC1), real = cv::Mat::zeros(8, 8, CV_8UC1);
  seen(cv::Rect(0, 0, 2, 4)) = 255;  // 8 pixels
  real(cv::Rect(0, 0, 8, 4)) = 255;  // left half: 8 pixels at 4x4, 4 of them in both masks
  EXPECT_DOUBLE_EQ(MaskIou(seen, real), 4.0 / 12);
  EXPECT_DOUBLE_EQ(MaskIou(seen, seen), 1);
  EXPECT_DOUBLE_EQ(MaskIou(seen, cv::Mat::zeros(8, 8, CV_8UC1)), 0);
  EXPECT_DOUBLE_EQ(MaskIou(cv::Mat::zeros(4, 4, CV_8UC1), cv::Mat::zeros(8, 8, CV_8UC1)), 1);
}

TEST(ScaledFidelityTest, TheBareBaseScoresZeroAndTheTruthScoresOne) {
  EXPECT_DOUBLE_EQ(*ScaledFidelity(0.2, 0.2, 0.9), 0);
  EXPECT_DOUBLE_EQ(*ScaledFidelity(0.9, 0.2, 0.9), 1);
  EXPECT_DOUBLE_EQ(*ScaledFidelity(0.55, 0.2, 0.9), 0.5);
  EXPECT_LT(*ScaledFidelity(0.1, 0.2, 0.9), 0);
  EXPECT_EQ(ScaledFidelity(0.9, 0.88, 0.9), std::nullopt);
}

TEST(BootstrapTest, IntervalOfManyValuesMatchesTheNormalApproximation) {
  std::vector<double> values;
  for (int i = 0; i < 400; ++i) values.push_back(i % 2);  // mean 0.5, deviation 0.5
  const Interval found = Bootstrap(values);
  EXPECT_DOUBLE_EQ(found.mean, 0.5);
  EXPECT_NEAR(found.low, 0.5 - 1.96 * 0.5 / 20, 0.006);
  EXPECT_NEAR(found.high, 0.5 + 1.96 * 0.5 / 20, 0.006);
  EXPECT_EQ(found.count, 400);
  EXPECT_EQ(Bootstrap(values).low, found.low);
}

TEST(BootstrapTest, OneValueHasAnIntervalOfWidthZeroAndNoValueHasCountZero) {
  const Interval one = Bootstrap({0.7});
  EXPECT_DOUBLE_EQ(one.low, 0.7);
  EXPECT_DOUBLE_EQ(one.high, 0.7);
  EXPECT_EQ(Bootstrap({}).count, 0);
}

TEST(RecordsTest, AnIncompleteLastLineIsDroppedAndTheOthersAreKept) {
  const TempFolder folder;
  const std::string path = folder.path() + "/records.jsonl";
  {
    auto records = Records::Open(path);
    ASSERT_THAT(records, IsOk());
    ASSERT_THAT(records->Add("a", {{"x", 1}}), IsOk());
  }
  std::ofstream(path, std::ios::app) << R"({"key": "b", "rec)";
  auto records = Records::Open(path);
  ASSERT_THAT(records, IsOk());
  EXPECT_EQ(records->Find("b"), nullptr);
  ASSERT_NE(records->Find("a"), nullptr);
  EXPECT_EQ(records->Find("a")->at("x"), 1);
  ASSERT_THAT(records->Add("b", {{"x", 2}}), IsOk());
  auto again = Records::Open(path);
  ASSERT_THAT(again, IsOk());
  EXPECT_NE(again->Find("b"), nullptr);
}

TEST(RecordsTest, ACompleteLineThatIsNotARecordIsAnError) {
  const TempFolder folder;
  const std::string path = folder.path() + "/records.jsonl";
  std::ofstream(path) << "what\n";
  EXPECT_THAT(Records::Open(path), HasCode(absl::StatusCode::kInvalidArgument));
}

TEST(HeldOutTest, TheConceptsOfAClassDoNotDependOnTheOtherClasses) {
  const HeldOutConcept a = MakeHeldOutConcept(3, {kRobot, kMug});  // the second mug
  const HeldOutConcept b = MakeHeldOutConcept(1, {kMug});
  EXPECT_EQ(a.name, "mug-2");
  EXPECT_EQ(b.name, "mug-2");
  EXPECT_EQ(cv::norm(a.pictures[0].image, b.pictures[0].image), 0);
  EXPECT_NE(MakeHeldOutConcept(0, {kMug}).instance.pattern_phase, a.instance.pattern_phase);
}

TEST(HeldOutTest, ReadCaptionFindsClassColourAndScene) {
  Drawing drawing;
  drawing.instance.toy_class = kDuck;
  drawing.instance.pattern = kDotted;
  drawing.caption = "a rendering of an orange duck in the snow";
  const HeldOutCaption said = ReadCaption(drawing);
  EXPECT_EQ(said.toy_class, kDuck);
  EXPECT_EQ(said.colour, ColourIndex("orange"));
  EXPECT_EQ(said.scene, kSnow);
  EXPECT_EQ(said.pattern, std::nullopt);
}

TEST(HeldOutTest, AColourInTheScenePhraseIsNotTheColourOfTheToy) {
  Drawing drawing;
  drawing.instance.toy_class = kDuck;
  drawing.caption = "a photo of the orange duck in a green field";
  EXPECT_EQ(ReadCaption(drawing).colour, ColourIndex("orange"));
  drawing.caption = "a photo of the duck in a green field";
  EXPECT_EQ(ReadCaption(drawing).colour, std::nullopt);
  drawing.caption = "a photo of a pink thing in a green field";
  EXPECT_EQ(ReadCaption(drawing).colour, ColourIndex("pink"));
}

TEST(VariantsTest, TheDefaultVariantIsFirstAndAnUnknownNameIsAnError) {
  const auto chosen = VariantsNamed("no_mask,steps_100,no_min_snr,random_start,paper_sites");
  ASSERT_THAT(chosen, IsOk());
  ASSERT_EQ(chosen->size(), 6U);
  EXPECT_EQ(chosen->front().name, "default");
  v1::TrainSpec spec;
  spec.set_min_snr_gamma(0.1);
  spec.add_sites("up_blocks.0.attentions.1");
  for (const Variant& variant : *chosen) variant.change(spec);
  EXPECT_TRUE(spec.has_mask() && !spec.mask());
  EXPECT_EQ(spec.steps(), 100);
  EXPECT_EQ(spec.min_snr_gamma(), 0);
  EXPECT_EQ(spec.sites_size(), 0);
  EXPECT_EQ(spec.block_start(), v1::BLOCK_START_RANDOM);
  EXPECT_THAT(VariantsNamed("no_maks"), HasCode(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace vico::toyworld
