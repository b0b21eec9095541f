#include "worker/diffusion/level.h"

#include <cmath>

namespace vico::worker {

double Level::lambda() const { return std::log(alpha) - std::log(sigma); }

Level LevelOfAlphaBar(double alpha_bar) { return {std::sqrt(alpha_bar), std::sqrt(1 - alpha_bar)}; }

Level LevelOfRatio(double ratio) {
  const double alpha = 1 / std::sqrt(ratio * ratio + 1);
  return {alpha, ratio * alpha};
}

at::Tensor AtLevel(const Level& level, const at::Tensor& x0, const at::Tensor& noise) {
  return x0 * level.alpha + noise * level.sigma;
}

at::Tensor PredictOriginal(const ScheduleConfig& config, const Level& level,
                           const at::Tensor& model_output, const at::Tensor& x) {
  if (config.prediction_type == "v_prediction") return x * level.alpha - model_output * level.sigma;
  return (x - model_output * level.sigma) / level.alpha;
}

at::Tensor PredictNoise(const ScheduleConfig& config, const Level& level,
                        const at::Tensor& model_output, const at::Tensor& x) {
  if (config.prediction_type == "v_prediction") return model_output * level.alpha + x * level.sigma;
  return model_output;
}

}  // namespace vico::worker
