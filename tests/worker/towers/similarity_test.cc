#include "worker/towers/similarity.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace vico::worker {
namespace {

const double kRoot = std::sqrt(0.5);

double Mean(const torch::Tensor& figures) { return figures.mean().item<double>(); }

TEST(SimilarityTest, PicturesAreComparedInAllPairs) {
  const auto real = torch::tensor({{1.0, 0.0}, {0.0, 1.0}, {-1.0, 0.0}});
  const auto generated = torch::tensor({{1.0, 0.0}, {1.0, 1.0}});
  // Rows of `real`: 1 and root; 0 and root; -1 and -root.
  const double expected = kRoot / 6;
  EXPECT_NEAR(Mean(ClipI(real, generated)), expected, 1e-12);
  EXPECT_NEAR(Mean(Dino(real, generated)), expected, 1e-12);
}

TEST(SimilarityTest, EachPictureHasAFigureAndANearestRealOne) {
  const auto real = torch::tensor({{1.0, 0.0}, {0.0, 1.0}});
  const auto generated = torch::tensor({{2.0, 0.0}, {-1.0, 0.0}, {3.0, 3.0}});
  const auto figures = ClipI(real, generated);
  const auto nearest = NearestReal(real, generated);
  ASSERT_EQ(figures.sizes(), at::IntArrayRef({3}));
  EXPECT_TRUE(at::allclose(figures, torch::tensor({0.5, -0.5, kRoot}, torch::kDouble)));
  EXPECT_TRUE(at::allclose(nearest, torch::tensor({1.0, 0.0, kRoot}, torch::kDouble)));
}

TEST(SimilarityTest, LengthsDoNotMatter) {
  const auto a = torch::tensor({{3.0f, 4.0f}, {0.5f, -0.1f}});
  const auto b = torch::tensor({{0.1f, 0.7f}});
  const auto scale = torch::tensor({{10.0f}, {0.01f}});
  EXPECT_NEAR(Mean(ClipI(a * scale, b * 5)), Mean(ClipI(a, b)), 1e-6);
  EXPECT_NEAR(Mean(ClipT(a * scale, b * 5)), Mean(ClipT(a, b)), 1e-6);
}

TEST(SimilarityTest, APictureIsComparedWithItsOwnPrompt) {
  const auto generated = torch::tensor({{1.0, 0.0}, {1.0, 1.0}});
  const auto prompts = torch::tensor({{1.0, 0.0}, {0.0, 2.0}});
  EXPECT_NEAR(Mean(ClipT(generated, prompts)), (1 + kRoot) / 2, 1e-12);
  EXPECT_NEAR(Mean(ClipT(generated, prompts.narrow(0, 1, 1))), kRoot / 2, 1e-12);
}

TEST(SimilarityTest, WhatHasNoCosineIsRefused) {
  const auto one = torch::ones({2, 3});
  EXPECT_THROW(ClipI(torch::ones({0, 3}), one), c10::Error);
  EXPECT_THROW(ClipI(torch::ones({3}), one), c10::Error);
  EXPECT_THROW(Dino(one, torch::ones({2, 4})), c10::Error);
  EXPECT_THROW(Dino(one, torch::zeros({2, 3})), c10::Error);
  EXPECT_THROW(ClipI(one, one * std::numeric_limits<float>::quiet_NaN()), c10::Error);
  EXPECT_THROW(ClipT(one, torch::ones({3, 3})), c10::Error);
  EXPECT_THROW(ClipT(one, torch::ones({2, 1})), c10::Error);
}

}  // namespace
}  // namespace vico::worker
