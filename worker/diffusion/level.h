// How noisy a state is, and what the network's output says about the picture and the noise in it.
#pragma once

#include "worker/diffusion/schedule.h"

namespace vico::worker {

/// x = alpha x_0 + sigma noise, alpha^2 + sigma^2 = 1.
struct Level {
  double alpha = 1;
  double sigma = 0;

  double lambda() const;  ///< log(alpha / sigma); infinite without noise
};

Level LevelOfAlphaBar(double alpha_bar);

/// Of the ratio sigma / alpha, which samplers in sigma space count in.
Level LevelOfRatio(double ratio);

/// x_0 and the noise, from x and the output of a network trained as `config` says.
at::Tensor PredictOriginal(const ScheduleConfig& config, const Level& level,
                           const at::Tensor& model_output, const at::Tensor& x);
at::Tensor PredictNoise(const ScheduleConfig& config, const Level& level,
                        const at::Tensor& model_output, const at::Tensor& x);

}  // namespace vico::worker
