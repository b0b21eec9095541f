// The noise level of a state, and the picture and noise that a network output predicts for it.
#pragma once

#include "worker/diffusion/schedule.h"

namespace vico::worker {

/// x = alpha x_0 + sigma noise, alpha^2 + sigma^2 = 1.
struct Level {
  double alpha = 1;
  double sigma = 0;

  double lambda() const;  ///< log(alpha / sigma); infinite if sigma is 0
};

Level LevelOfAlphaBar(double alpha_bar);

/// `ratio` is sigma / alpha, the noise level of samplers in sigma space.
Level LevelOfRatio(double ratio);

/// x of `level`.
at::Tensor AtLevel(const Level& level, const at::Tensor& x0, const at::Tensor& noise);

/// x_0 and the noise, from x and the output of a network with config.prediction_type.
at::Tensor PredictOriginal(const ScheduleConfig& config, const Level& level,
                           const at::Tensor& model_output, const at::Tensor& x);
at::Tensor PredictNoise(const ScheduleConfig& config, const Level& level,
                        const at::Tensor& model_output, const at::Tensor& x);

}  // namespace vico::worker
