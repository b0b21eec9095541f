// The evaluation's figures, each a function of numbers alone.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include <opencv2/core.hpp>

#include "worker/model/torch.h"

namespace vico::toyworld {

/// Between normal distributions fitted to the rows of a [N, D] and b [M, D], N and M at least 2:
/// |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)). Source: arXiv:1706.08500, section 1.
double FrechetDistance(const torch::Tensor& a, const torch::Tensor& b);

/// Intersection over union. Both grey; `real` is resampled by area to the size of `seen`; from 128
/// up is inside. 1 for two empty masks.
double MaskIou(const cv::Mat& seen, const cv::Mat& real);

/// Where `value` lies between the bare base (0) and the true thing (1), all three mean cosines.
/// None if the base already shows the thing within 0.05: there is nothing to learn then.
std::optional<double> ScaledFidelity(double value, double bare, double truth);

struct Interval {
  double mean = 0;
  double low = 0, high = 0;  ///< 95 % of resampled means lie between them
  int count = 0;             ///< values
};

/// Percentile bootstrap of the mean: `values` resampled with replacement, 4,000 times. All zero if
/// there are none.
Interval Bootstrap(const std::vector<double>& values, uint64_t seed = 1);

}  // namespace vico::toyworld
