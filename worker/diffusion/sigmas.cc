#include "worker/diffusion/sigmas.h"

#include <algorithm>
#include <cmath>

#include "worker/diffusion/level.h"
#include "worker/diffusion/timesteps.h"

namespace vico::worker {

std::vector<double> TrainingRatios(const Schedule& schedule) {
  std::vector<double> ratios;
  for (int64_t t = 0; t < schedule.config().num_train_timesteps; ++t) {
    // diffusers' table is fp32, whose rounding matters in 1 - a at the smallest timesteps.
    double a = static_cast<float>(schedule.AlphaBar(t));
    if (a == 0) a = 0x1p-24;
    ratios.push_back(std::sqrt((1 - a) / a));
  }
  return ratios;
}

double RatioAt(const std::vector<double>& ratios, double timestep) {
  const auto low = static_cast<size_t>(timestep);
  if (low + 1 >= ratios.size()) return ratios.back();
  return ratios[low] + (ratios[low + 1] - ratios[low]) * (timestep - static_cast<double>(low));
}

double TimestepAt(const std::vector<double>& ratios, double ratio) {
  if (ratios.size() < 2) return 0;
  const auto above = std::upper_bound(ratios.begin(), ratios.end(), ratio) - ratios.begin();
  const auto low = static_cast<size_t>(
      std::clamp<std::ptrdiff_t>(above - 1, 0, static_cast<std::ptrdiff_t>(ratios.size()) - 2));
  const double from = std::log(ratios[low]);
  const double to = std::log(ratios[low + 1]);
  return static_cast<double>(low) + std::clamp((std::log(ratio) - from) / (to - from), 0.0, 1.0);
}

std::vector<double> KarrasRatios(double max, double min, int64_t count) {
  constexpr double kRho = 7;
  const double first = std::pow(max, 1 / kRho);
  const double last = std::pow(min, 1 / kRho);
  std::vector<double> ratios;
  for (int64_t k = 0; k < count; ++k) {
    const double part = count == 1 ? 0 : static_cast<double>(k) / static_cast<double>(count - 1);
    ratios.push_back(std::pow(first + part * (last - first), kRho));
  }
  return ratios;
}

MultistepScheduler::MultistepScheduler(const Schedule& schedule, int64_t steps, bool karras)
    : config_(schedule.config()) {
  const auto training = TrainingRatios(schedule);
  if (karras) {
    ratios_ = KarrasRatios(training.back(), training.front(), steps);
    for (const double ratio : ratios_) timesteps_.push_back(TimestepAt(training, ratio));
  } else {
    timesteps_ = SpacedTimesteps(config_, "linspace", Grid::kEndless, steps);
    for (const double t : timesteps_) ratios_.push_back(RatioAt(training, t));
  }
  for (double& t : timesteps_) t = std::nearbyint(t);
  ratios_.push_back(0);
  const auto same = std::adjacent_find(ratios_.begin(), ratios_.end());
  TORCH_CHECK(same == ratios_.end(), "steps: must be fewer with this scheduler and ",
              config_.num_train_timesteps, " timesteps, got ", steps);
}

at::Tensor MultistepScheduler::Noised(const at::Tensor& x0, const at::Tensor& noise,
                                      int64_t index) const {
  return AtLevel(LevelAt(index), x0, noise);
}

at::Tensor MultistepScheduler::Original(const at::Tensor& model_output, int64_t index,
                                        const at::Tensor& x) const {
  return PredictOriginal(config_, LevelAt(index), model_output, x);
}

RatioScheduler::RatioScheduler(const Schedule& schedule, int64_t steps, Karras karras)
    : config_(schedule.config()) {
  const auto training = TrainingRatios(schedule);
  timesteps_ = SpacedTimesteps(config_, "linspace", Grid::kFractional, steps);
  for (const double t : timesteps_) ratios_.push_back(RatioAt(training, t));
  if (karras == Karras::kAsConfigured && config_.use_karras_sigmas) {
    ratios_ = KarrasRatios(ratios_.front(), ratios_.back(), steps);
    std::transform(ratios_.begin(), ratios_.end(), timesteps_.begin(),
                   [&](double ratio) { return TimestepAt(training, ratio); });
  }
  for (double& ratio : ratios_) ratio = static_cast<float>(ratio);
  const double first = ratios_.front();
  ratios_.push_back(0);
  // With "leading" the first timestep is not the noisiest, so its state is more than noise.
  const bool leading = config_.timestep_spacing == "leading";
  start_scale_ = leading ? std::sqrt(first * first + 1) : first;
}

at::Tensor RatioScheduler::ModelInput(const at::Tensor& x, int64_t index) const {
  return x * LevelOfRatio(Ratio(index)).alpha;
}

at::Tensor RatioScheduler::Noised(const at::Tensor& x0, const at::Tensor& noise,
                                  int64_t index) const {
  return x0 + noise * Ratio(index);
}

at::Tensor RatioScheduler::Original(const at::Tensor& model_output, int64_t index,
                                    const at::Tensor& x) const {
  const double r = Ratio(index);
  if (config_.prediction_type == "epsilon") return x - model_output * r;
  return model_output * (-r / std::sqrt(r * r + 1)) + x / (r * r + 1);
}

}  // namespace vico::worker
