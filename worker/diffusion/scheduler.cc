// Choice of a scheduler by name.
#include "worker/diffusion/scheduler.h"

#include <string>

#include "common/scheduler_names.h"

namespace vico::worker {

at::Tensor Scheduler::ModelInput(const at::Tensor& x, int64_t /*index*/) const { return x; }

std::span<const std::string_view> SchedulerNames() { return kSchedulerNames; }

std::unique_ptr<Scheduler> MakeScheduler(std::string_view name, const Schedule& schedule,
                                         int64_t steps, double eta) {
  TORCH_CHECK(steps >= 1 && steps <= schedule.config().num_train_timesteps, "steps: must be 1..",
              schedule.config().num_train_timesteps, ", got ", steps);
  const bool karras = schedule.config().use_karras_sigmas;
  if (name == "ddim") return MakeDdim(schedule, steps, eta);
  if (name == "ddpm") return MakeDdpm(schedule, steps);
  if (name == "pndm") return MakePndm(schedule, steps);
  if (name == "euler") return MakeEuler(schedule, steps);
  if (name == "euler_ancestral") return MakeEulerAncestral(schedule, steps);
  if (name == "heun") return MakeHeun(schedule, steps);
  if (name == "dpmsolver++") return MakeDpmSolver(schedule, steps, karras);
  if (name == "dpmsolver++_karras") return MakeDpmSolver(schedule, steps, true);
  if (name == "unipc") return MakeUnipc(schedule, steps);
  if (name == "lcm") return MakeLcm(schedule, steps);
  TORCH_CHECK(false, "scheduler: no such scheduler as ", std::string(name));
}

}  // namespace vico::worker
