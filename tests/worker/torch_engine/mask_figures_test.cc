#include "worker/torch_engine/mask_figures.h"

#include <gtest/gtest.h>

namespace vico::worker {
namespace {

torch::Tensor Mask(const std::vector<int>& cells) {
  return torch::tensor(cells, torch::kInt).view({2, 2}).to(torch::kBool);
}

TEST(MaskFiguresTest, StabilityIsTheMeanOverAllPairs) {
  // Pairs: 1/2, 0/3, 1/3.
  EXPECT_NEAR(MeanIou({Mask({1, 1, 0, 0}), Mask({1, 0, 0, 0}), Mask({0, 1, 1, 0})}),
              (0.5 + 0 + 1.0 / 3) / 3, 1e-12);
}

TEST(MaskFiguresTest, EqualMasksAreStable) {
  EXPECT_EQ(MeanIou({Mask({0, 1, 1, 0}), Mask({0, 1, 1, 0})}), 1);
  EXPECT_EQ(MeanIou({Mask({0, 0, 0, 0}), Mask({0, 0, 0, 0})}), 1) << "two empty ones";
}

}  // namespace
}  // namespace vico::worker
