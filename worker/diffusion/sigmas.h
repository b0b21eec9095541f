// Noise levels as ratios sigma / alpha: the sequences of ratios that samplers use, and base classes
// of the samplers in that space. Source: Karras et al., arXiv:2206.00364; diffusers
// scheduling_euler_discrete.py and scheduling_dpmsolver_multistep.py.
#pragma once

#include <vector>

#include "worker/diffusion/level.h"
#include "worker/diffusion/scheduler.h"

namespace vico::worker {

/// The ratio of every training timestep, ascending; finite even with rescale_betas_zero_snr.
std::vector<double> TrainingRatios(const Schedule& schedule);

/// Interpolates linearly between the entries of `ratios`.
double RatioAt(const std::vector<double>& ratios, double timestep);

/// The inverse of RatioAt(), linear in the logarithm.
double TimestepAt(const std::vector<double>& ratios, double ratio);

/// `count` ratios from `max` down to `min`, evenly spaced in their 7th roots.
std::vector<double> KarrasRatios(double max, double min, int64_t count);

/// A multistep solver: the state is alpha x_0 + sigma noise, the last sigma zero.
class MultistepScheduler : public Scheduler {
 public:
  at::Tensor Noised(const at::Tensor& x0, const at::Tensor& noise, int64_t index) const override;
  at::Tensor Original(const at::Tensor& model_output, int64_t index,
                      const at::Tensor& x) const override;

 protected:
  /// Throws c10::Error if there are so many `steps` that two levels are equal: solvers divide by
  /// their difference.
  MultistepScheduler(const Schedule& schedule, int64_t steps, bool karras);

  /// The level of call `index`; the index after the last has no noise.
  Level LevelAt(int64_t index) const {
    return LevelOfRatio(ratios_.at(static_cast<size_t>(index)));
  }

 private:
  ScheduleConfig config_;
  std::vector<double> ratios_;
};

/// A sampler whose state is x_0 + ratio * noise.
class RatioScheduler : public Scheduler {
 public:
  at::Tensor ModelInput(const at::Tensor& x, int64_t index) const override;
  at::Tensor Noised(const at::Tensor& x0, const at::Tensor& noise, int64_t index) const override;
  at::Tensor Original(const at::Tensor& model_output, int64_t index,
                      const at::Tensor& x) const override;

 protected:
  enum class Karras { kNever, kAsConfigured };

  RatioScheduler(const Schedule& schedule, int64_t steps, Karras karras);

  double Ratio(int64_t index) const { return ratios_.at(static_cast<size_t>(index)); }

  ScheduleConfig config_;
  std::vector<double> ratios_;  // of every network call, and 0 at the end
};

}  // namespace vico::worker
