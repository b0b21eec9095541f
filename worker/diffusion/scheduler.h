// Interface of the sampling schedulers: the timesteps of their network calls, and the step from one
// call to the next. x_t, model output and noise are [B, C, h, w], fp32.
#pragma once

#include <functional>
#include <memory>
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

  /// The timestep of each network call. Never ascending; second-order schedulers repeat timesteps;
  /// fractional if the noise level lies between those of the training.
  const std::vector<double>& timesteps() const { return timesteps_; }

  /// The initial state is standard normal noise times this.
  double start_scale() const { return start_scale_; }

  /// The network call that begins the sampling step `step`, 0-based.
  virtual int64_t CallOfStep(int64_t step) const { return step; }

  /// The state of call `index` whose picture is x0. A run may begin with it.
  virtual at::Tensor Noised(const at::Tensor& x0, const at::Tensor& noise, int64_t index) const = 0;

  /// The network's input for the state x at call `index`.
  virtual at::Tensor ModelInput(const at::Tensor& x, int64_t index) const;

  /// The prediction of x_0 that Step() makes from the same arguments.
  virtual at::Tensor Original(const at::Tensor& model_output, int64_t index,
                              const at::Tensor& x) const = 0;

  /// From the state at timesteps()[index] to the next. Must be called once for each index, in
  /// order, from the first call of a step on; in pndm from 0.
  virtual at::Tensor Step(const at::Tensor& model_output, int64_t index, const at::Tensor& x,
                          const StepNoise& noise) = 0;

 protected:
  std::vector<double> timesteps_;
  double start_scale_ = 1;
};

// The factories, Make<Name>() for each line of common/schedulers.def. `schedule` must outlive the
// result. steps in 1..num_train_timesteps; eta in 0..1 is ignored by schedulers that take none.
#define VICO_SCHEDULER(Name, name, max_steps, takes_eta, takes_init_picture) \
  std::unique_ptr<Scheduler> Make##Name(const Schedule& schedule, int64_t steps, double eta);
#include "common/schedulers.def"
#undef VICO_SCHEDULER

/// Makes a scheduler by its name in common/schedulers.def. The parameters are those of the
/// factories. Throws c10::Error for an unknown name or a step count that the scheduler or the base
/// model does not allow.
std::unique_ptr<Scheduler> MakeScheduler(std::string_view name, const Schedule& schedule,
                                         int64_t steps, double eta);

}  // namespace vico::worker
