// Noise levels as ratios sigma / alpha: the path a sampler takes through them, and what the
// samplers that live in that space share. Source: Karras et al., arXiv:2206.00364; diffusers
// scheduling_euler_discrete.py and scheduling_dpmsolver_multistep.py.
#pragma once

#include <vector>

#include "worker/diffusion/scheduler.h"

namespace vico {

/// Of every timestep of the training, ascending; finite even with rescale_betas_zero_snr.
std::vector<double> TrainingRatios(const Schedule& schedule);

/// Between the entries of `ratios`, linearly.
double RatioAt(const std::vector<double>& ratios, double timestep);

/// The inverse of RatioAt(), linear in the logarithm.
double TimestepAt(const std::vector<double>& ratios, double ratio);

/// `count` ratios from `max` down to `min`, evenly spaced in their 7th roots.
std::vector<double> KarrasRatios(double max, double min, int64_t count);

/// The path of the multistep solvers. Throws c10::Error where `steps` are so many that two ratios
/// are the same: they divide by the difference.
struct RatioPath {
  std::vector<double> timesteps;  ///< fractional with `karras`
  std::vector<double> ratios;     ///< one more, the last is 0
};
RatioPath MultistepPath(const Schedule& schedule, int64_t steps, bool karras);

/// A sampler whose state is x_0 + ratio * noise.
class RatioScheduler : public Scheduler {
 public:
  at::Tensor ModelInput(const at::Tensor& x, int64_t index) const override;
  at::Tensor Original(const at::Tensor& model_output, int64_t index,
                      const at::Tensor& x) const override;

 protected:
  enum class Karras { kNever, kAsConfigured };

  RatioScheduler(const Schedule& schedule, int64_t steps, Karras karras);

  double Ratio(int64_t index) const { return ratios_.at(static_cast<size_t>(index)); }

  ScheduleConfig config_;
  std::vector<double> ratios_;  // of every call, and 0 at the end
};

}  // namespace vico
