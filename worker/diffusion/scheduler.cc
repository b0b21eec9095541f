// Choice of a scheduler by name, and what they share.
#include "worker/diffusion/scheduler.h"

#include <array>
#include <cmath>

namespace vico {

at::Tensor PredictOriginal(const Schedule& schedule, const at::Tensor& model_output, int64_t t,
                           const at::Tensor& x) {
  const double a = schedule.AlphaBar(t);
  if (schedule.config().prediction_type == "v_prediction") {
    return x * std::sqrt(a) - model_output * std::sqrt(1 - a);
  }
  return (x - model_output * std::sqrt(1 - a)) / std::sqrt(a);
}

std::vector<int64_t> LeadingTimesteps(const ScheduleConfig& config, int64_t steps) {
  const int64_t ratio = config.num_train_timesteps / steps;
  std::vector<int64_t> timesteps;
  for (int64_t k = steps - 1; k >= 0; --k) {
    timesteps.push_back(std::min(k * ratio + config.steps_offset, config.num_train_timesteps - 1));
  }
  return timesteps;
}

std::span<const std::string_view> SchedulerNames() {
  static constexpr std::array<std::string_view, 3> kNames = {"ddim", "ddpm", "dpmsolver++"};
  return kNames;
}

std::unique_ptr<Scheduler> MakeScheduler(std::string_view name, const Schedule& schedule,
                                         int64_t steps, double eta) {
  TORCH_CHECK(steps >= 1 && steps <= schedule.config().num_train_timesteps, "steps: must be 1..",
              schedule.config().num_train_timesteps, ", got ", steps);
  if (name == "ddim") return MakeDdim(schedule, steps, eta);
  if (name == "ddpm") return MakeDdpm(schedule, steps);
  if (name == "dpmsolver++") return MakeDpmSolver(schedule, steps);
  TORCH_CHECK(false, "scheduler: no such scheduler as ", std::string(name));
}

}  // namespace vico
