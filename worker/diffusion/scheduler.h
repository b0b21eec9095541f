// What all sampling schedulers share: the calls of the network they ask for, and the step from one
// to the next. x_t, model output and noise are [B, C, h, w], fp32.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "worker/diffusion/schedule.h"

namespace vico::worker {

/// Fresh standard normal noise shaped like the latent, for the network call `index` (0-based).
using StepNoise = std::function<at::Tensor(int64_t index)>;

/// Numbers agree with diffusers' scheduler made with from_config() on the base model's file, except
/// that x_0 is never clipped (diffusers' Stable Diffusion pipeline turns clip_sample off too).
class Scheduler {
 public:
  virtual ~Scheduler() = default;

  /// What the network is told, one call each. Never ascending; a scheduler of second order names
  /// one twice; fractional where the noise levels lie between those of the training.
  const std::vector<double>& timesteps() const { return timesteps_; }

  /// What standard normal noise is multiplied by to start from.
  double start_scale() const { return start_scale_; }

  /// What the network is shown of the state x at call `index`.
  virtual at::Tensor ModelInput(const at::Tensor& x, int64_t index) const;

  /// The prediction of x_0 that Step() makes from the same arguments.
  virtual at::Tensor Original(const at::Tensor& model_output, int64_t index,
                              const at::Tensor& x) const = 0;

  /// From the state at timesteps()[index] to the next. To be called with index 0, 1, 2, ... once.
  virtual at::Tensor Step(const at::Tensor& model_output, int64_t index, const at::Tensor& x,
                          const StepNoise& noise) = 0;

 protected:
  std::vector<double> timesteps_;
  double start_scale_ = 1;
};

std::unique_ptr<Scheduler> MakeDdim(const Schedule& schedule, int64_t steps, double eta);
std::unique_ptr<Scheduler> MakeDdpm(const Schedule& schedule, int64_t steps);
std::unique_ptr<Scheduler> MakePndm(const Schedule& schedule, int64_t steps);
std::unique_ptr<Scheduler> MakeEuler(const Schedule& schedule, int64_t steps);
std::unique_ptr<Scheduler> MakeEulerAncestral(const Schedule& schedule, int64_t steps);
std::unique_ptr<Scheduler> MakeHeun(const Schedule& schedule, int64_t steps);
std::unique_ptr<Scheduler> MakeDpmSolver(const Schedule& schedule, int64_t steps, bool karras);
std::unique_ptr<Scheduler> MakeUnipc(const Schedule& schedule, int64_t steps);
std::unique_ptr<Scheduler> MakeLcm(const Schedule& schedule, int64_t steps);

/// The names MakeScheduler() knows.
std::span<const std::string_view> SchedulerNames();

/// `schedule` must outlive the result. steps in 1..num_train_timesteps, of lcm in
/// 1..original_inference_steps; eta in 0..1 is DDIM's and ignored by the others. Throws c10::Error
/// for an unknown name or bad step count.
std::unique_ptr<Scheduler> MakeScheduler(std::string_view name, const Schedule& schedule,
                                         int64_t steps, double eta);

}  // namespace vico::worker
