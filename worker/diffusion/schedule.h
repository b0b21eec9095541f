// The noise schedule and the forward process.
// Source: diffusers DDPMScheduler, but with betas and their cumulative product in float64.
// B batch; t in 0..num_train_timesteps-1; x_0, x_t, noise [B, C, h, w].
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ATen/ATen.h>

namespace vico::worker {

/// The settings of scheduler_config.json. The defaults are Stable Diffusion 1.x's.
struct ScheduleConfig {
  int64_t num_train_timesteps = 1000;
  double beta_start = 0.00085;
  double beta_end = 0.012;
  std::string beta_schedule = "scaled_linear";  ///< or "linear", "squaredcos_cap_v2"
  std::vector<double> trained_betas;        ///< one for each timestep, instead of the three above
  bool rescale_betas_zero_snr = false;      ///< rescales so that the last timestep has no signal
  std::string prediction_type = "epsilon";  ///< or "v_prediction"

  // For sampling only.
  int64_t steps_offset = 1;
  std::optional<bool> set_alpha_to_one = false;  ///< unset: the scheduler's own, as in diffusers
  std::string timestep_spacing;                  ///< "leading", "linspace", "trailing"; "": the
                                                 ///< scheduler's own
  bool use_karras_sigmas = false;
  std::string variance_type = "fixed_small";  ///< or "fixed_large"; of ddpm
  int64_t original_inference_steps = 50;      ///< of lcm
  double timestep_scaling = 10;               ///< of lcm
};

class Schedule {
 public:
  /// Throws c10::Error for an unknown beta schedule or prediction type, and if trained_betas has
  /// another length than num_train_timesteps.
  explicit Schedule(const ScheduleConfig& config);

  /// Product of (1 - beta) over the timesteps 0..t.
  double AlphaBar(int64_t t) const { return alpha_bar_.at(static_cast<size_t>(t)); }

  /// sqrt(abar_t) x_0 + sqrt(1 - abar_t) noise, with t [B] int64.
  at::Tensor AddNoise(const at::Tensor& x0, const at::Tensor& noise, const at::Tensor& t) const;

  /// The network's training target: the noise or v.
  at::Tensor Target(const at::Tensor& x0, const at::Tensor& noise, const at::Tensor& t) const;

  /// Weights of the timesteps' losses under min-SNR weighting: min(SNR, gamma) / SNR for the noise,
  /// min(SNR, gamma) / (SNR + 1) for v. gamma above 0, t [B] int64 -> fp32 [B], 0..1.
  /// Source: arXiv 2303.09556.
  at::Tensor MinSnrWeights(const at::Tensor& t, double gamma) const;

  /// This schedule without rescale_betas_zero_snr.
  Schedule NotRescaled() const;

  /// This schedule with its table on `device`. Tensors on another device are allowed, but then each
  /// call copies the table.
  Schedule On(const at::Device& device) const;

  const ScheduleConfig& config() const { return config_; }

 private:
  at::Tensor AlphaBars(const at::Tensor& t, const at::Tensor& like) const;  // [B, 1, 1, 1]

  ScheduleConfig config_;
  std::vector<double> alpha_bar_;
  at::Tensor table_;  // alpha_bar_ in fp32
};

}  // namespace vico::worker
