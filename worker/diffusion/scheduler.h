// What all sampling schedulers share: the timesteps to visit, and the step from one to the next.
// x_t, model output and noise are [B, C, h, w], fp32.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "worker/diffusion/schedule.h"

namespace vico {

/// Fresh standard normal noise shaped like the latent, for sampling step `index` (0-based).
using StepNoise = std::function<at::Tensor(int64_t index)>;

class Scheduler {
 public:
  virtual ~Scheduler() = default;

  /// Descending; one network call each.
  const std::vector<int64_t>& timesteps() const { return timesteps_; }

  /// From x_t at timesteps()[index] to the next state. To be called with index 0, 1, 2, ... once.
  virtual at::Tensor Step(const at::Tensor& model_output, int64_t index, const at::Tensor& x,
                          const StepNoise& noise) = 0;

 protected:
  std::vector<int64_t> timesteps_;
};

/// The prediction of x_0 from x_t, whatever the network predicts.
at::Tensor PredictOriginal(const Schedule& schedule, const at::Tensor& model_output, int64_t t,
                           const at::Tensor& x);

/// k * (T / steps) + steps_offset, descending: diffusers' "leading" spacing.
std::vector<int64_t> LeadingTimesteps(const ScheduleConfig& config, int64_t steps);

std::unique_ptr<Scheduler> MakeDdim(const Schedule& schedule, int64_t steps, double eta);
std::unique_ptr<Scheduler> MakeDdpm(const Schedule& schedule, int64_t steps);
std::unique_ptr<Scheduler> MakeDpmSolver(const Schedule& schedule, int64_t steps);

/// The names MakeScheduler() knows.
std::span<const std::string_view> SchedulerNames();

/// `schedule` must outlive the result. steps in 1..num_train_timesteps; eta in 0..1 is DDIM's and
/// ignored by the others. Throws c10::Error for an unknown name or bad step count.
std::unique_ptr<Scheduler> MakeScheduler(std::string_view name, const Schedule& schedule,
                                         int64_t steps, double eta);

}  // namespace vico
