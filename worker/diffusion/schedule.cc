// The noise schedule; see the header for the source.
#include "worker/diffusion/schedule.h"

#include <cmath>

namespace vico {

Schedule::Schedule(const ScheduleConfig& config) : config_(config) {
  TORCH_CHECK(config.beta_schedule == "scaled_linear" || config.beta_schedule == "linear",
              "beta_schedule ", config.beta_schedule, " is not one of scaled_linear, linear");
  TORCH_CHECK(config.prediction_type == "epsilon" || config.prediction_type == "v_prediction",
              "prediction_type ", config.prediction_type, " is not one of epsilon, v_prediction");
  const bool scaled = config.beta_schedule == "scaled_linear";
  const double first = scaled ? std::sqrt(config.beta_start) : config.beta_start;
  const double last = scaled ? std::sqrt(config.beta_end) : config.beta_end;
  const auto steps = static_cast<double>(config.num_train_timesteps - 1);
  double product = 1.0;
  for (int64_t t = 0; t < config.num_train_timesteps; ++t) {
    const double root = first + (last - first) * static_cast<double>(t) / steps;
    product *= 1.0 - (scaled ? root * root : root);
    alpha_bar_.push_back(product);
  }
}

double Schedule::AlphaBar(int64_t t) const {
  if (t >= 0) return alpha_bar_.at(static_cast<size_t>(t));
  return config_.set_alpha_to_one ? 1.0 : alpha_bar_[0];
}

at::Tensor Schedule::AlphaBars(const at::Tensor& t, const at::Tensor& like) const {
  const auto table = at::tensor(alpha_bar_, at::kDouble).to(at::kFloat).to(like.device());
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

}  // namespace vico
