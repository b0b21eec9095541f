// The noise schedule and the forward process.
// Source: diffusers DDPMScheduler; vico-algorithm: betas in float64, cumulative product in float64.
// B batch; t in 0..num_train_timesteps-1; x_0, x_t, noise [B, C, h, w].
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/ATen.h>

namespace vico {

/// What scheduler_config.json says.
struct ScheduleConfig {
  int64_t num_train_timesteps = 1000;
  double beta_start = 0.00085;
  double beta_end = 0.012;
  std::string beta_schedule = "scaled_linear";  ///< or "linear"
  std::string prediction_type = "epsilon";      ///< or "v_prediction"
  int64_t steps_offset = 1;
  bool set_alpha_to_one = false;
};

class Schedule {
 public:
  /// Throws c10::Error for a beta schedule or prediction type it does not know.
  explicit Schedule(const ScheduleConfig& config);

  /// Product of (1 - beta) up to and with t; t = -1 is the state after the last sampling step.
  double AlphaBar(int64_t t) const;

  /// sqrt(abar_t) x_0 + sqrt(1 - abar_t) noise, with t [B] int64.
  at::Tensor AddNoise(const at::Tensor& x0, const at::Tensor& noise, const at::Tensor& t) const;

  /// What the network is to predict: the noise, or v.
  at::Tensor Target(const at::Tensor& x0, const at::Tensor& noise, const at::Tensor& t) const;

  const ScheduleConfig& config() const { return config_; }

 private:
  at::Tensor AlphaBars(const at::Tensor& t, const at::Tensor& like) const;  // [B, 1, 1, 1]

  ScheduleConfig config_;
  std::vector<double> alpha_bar_;
};

}  // namespace vico
