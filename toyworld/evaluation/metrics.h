// The formulas of the evaluation's figures.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <opencv2/core.hpp>

#include "worker/model/torch.h"

namespace vico::toyworld {

/// Fréchet distance between normal distributions fitted to the rows of a [N, D] and b [M, D], N and
/// M at least 2: |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)). Source: arXiv:1706.08500,
/// section 1.
double FrechetDistance(const torch::Tensor& a, const torch::Tensor& b);

/// Intersection over union of two grey masks, where 128 and above is inside. Resamples `real` by
/// area to the size of `seen`. 1 for two empty masks.
double MaskIou(const cv::Mat& seen, const cv::Mat& real);

/// The position of `value` between the bare base (0) and the truth (1); all three are mean cosines.
/// None if base and truth differ by less than 0.05: there is nothing to learn then.
std::optional<double> ScaledFidelity(double value, double bare, double truth);

struct Interval {
  double mean = 0;
  double low = 0, high = 0;  ///< bounds of 95 % of the resampled means
  int count = 0;             ///< number of values
};

/// Percentile bootstrap of the mean: resamples `values` with replacement, 4,000 times. All zero
/// without values.
Interval Bootstrap(const std::vector<double>& values, uint64_t seed = 1);

}  // namespace vico::toyworld
