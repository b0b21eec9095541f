#include "worker/diffusion/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace vico::worker {
namespace {

std::vector<double> LinearBetas(const ScheduleConfig& config, bool scaled) {
  const double first = scaled ? std::sqrt(config.beta_start) : config.beta_start;
  const double last = scaled ? std::sqrt(config.beta_end) : config.beta_end;
  const auto steps = static_cast<double>(std::max<int64_t>(config.num_train_timesteps - 1, 1));
  std::vector<double> betas;
  for (int64_t t = 0; t < config.num_train_timesteps; ++t) {
    const double root = first + (last - first) * static_cast<double>(t) / steps;
    betas.push_back(scaled ? root * root : root);
  }
  return betas;
}

// Source: Nichol and Dhariwal, arXiv:2102.09672, eq. 17, beta at most 0.999.
std::vector<double> CosineBetas(int64_t count) {
  const auto alpha_bar = [&](int64_t t) {
    const double s = static_cast<double>(t) / static_cast<double>(count);
    const double root = std::cos((s + 0.008) / 1.008 * std::numbers::pi / 2);
    return root * root;
  };
  std::vector<double> betas;
  for (int64_t t = 0; t < count; ++t) {
    const double beta = std::min(1 - alpha_bar(t + 1) / alpha_bar(t), 0.999);
    betas.push_back(static_cast<float>(beta));  // fp32 as in diffusers, which matters at the end
  }
  return betas;
}

std::vector<double> Betas(const ScheduleConfig& config) {
  if (!config.trained_betas.empty()) return config.trained_betas;
  if (config.beta_schedule == "squaredcos_cap_v2") return CosineBetas(config.num_train_timesteps);
  const bool scaled = config.beta_schedule == "scaled_linear";
  TORCH_CHECK(scaled || config.beta_schedule == "linear", "beta_schedule ", config.beta_schedule,
              " is not one of scaled_linear, linear, squaredcos_cap_v2");
  return LinearBetas(config, scaled);
}

// Shifts and stretches sqrt(abar) so that the first stays and the last becomes 0.
// Source: Lin et al., arXiv:2305.08891, algorithm 1.
void RescaleToZeroSnr(std::vector<double>& alpha_bar) {
  const double first = std::sqrt(alpha_bar.front());
  const double last = std::sqrt(alpha_bar.back());
  for (double& a : alpha_bar) {
    const double root = (std::sqrt(a) - last) * first / (first - last);
    a = root * root;
  }
}

}  // namespace

Schedule::Schedule(const ScheduleConfig& config) : config_(config) {
  TORCH_CHECK(config.prediction_type == "epsilon" || config.prediction_type == "v_prediction",
              "prediction_type ", config.prediction_type, " is not one of epsilon, v_prediction");
  double product = 1.0;
  for (const double beta : Betas(config)) {
    product *= 1.0 - beta;
    alpha_bar_.push_back(product);
  }
  TORCH_CHECK(static_cast<int64_t>(alpha_bar_.size()) == config.num_train_timesteps,
              "trained_betas must be one a timestep, ", config.num_train_timesteps, ", found ",
              alpha_bar_.size());
  if (config.rescale_betas_zero_snr) RescaleToZeroSnr(alpha_bar_);
  table_ = at::tensor(alpha_bar_, at::kDouble).to(at::kFloat);
}

Schedule Schedule::NotRescaled() const {
  ScheduleConfig config = config_;
  config.rescale_betas_zero_snr = false;
  return Schedule(config).On(table_.device());
}

Schedule Schedule::On(const at::Device& device) const {
  Schedule moved = *this;
  moved.table_ = table_.to(device);
  return moved;
}

at::Tensor Schedule::AlphaBars(const at::Tensor& t, const at::Tensor& like) const {
  const auto table = table_.to(like.device());
  return table.index_select(0, t.to(like.device())).to(like.scalar_type()).view({-1, 1, 1, 1});
}

at::Tensor Schedule::AddNoise(const at::Tensor& x0, const at::Tensor& noise,
                              const at::Tensor& t) const {
  const auto a = AlphaBars(t, x0);
  return a.sqrt() * x0 + (1 - a).sqrt() * noise;
}

at::Tensor Schedule::Target(const at::Tensor& x0, const at::Tensor& noise,
                            const at::Tensor& t) const {
  if (config_.prediction_type == "epsilon") return noise;
  const auto a = AlphaBars(t, x0);
  return a.sqrt() * noise - (1 - a).sqrt() * x0;
}

at::Tensor Schedule::MinSnrWeights(const at::Tensor& t, double gamma) const {
  const auto options = at::TensorOptions(at::kDouble).device(t.device());
  const auto a = AlphaBars(t, at::zeros({}, options)).flatten();
  const auto snr = a / (1 - a);
  const auto weights = config_.prediction_type == "epsilon" ? (gamma / snr).clamp_max(1)
                                                            : snr.clamp_max(gamma) / (snr + 1);
  return weights.to(at::kFloat);
}

}  // namespace vico::worker
