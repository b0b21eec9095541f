// Makes a scheduler by its name.
#include "worker/diffusion/scheduler.h"

#include <string>

namespace vico::worker {
namespace {

struct Factory {
  std::string_view name;
  std::unique_ptr<Scheduler> (*make)(const Schedule& schedule, int64_t steps, double eta);
};

constexpr Factory kFactories[] = {
#define VICO_SCHEDULER(Name, name, max_steps, takes_eta, takes_init_picture) {name, &Make##Name},
#include "common/schedulers.def"
#undef VICO_SCHEDULER
};

}  // namespace

at::Tensor Scheduler::ModelInput(const at::Tensor& x, int64_t /*index*/) const { return x; }

std::unique_ptr<Scheduler> MakeScheduler(std::string_view name, const Schedule& schedule,
                                         int64_t steps, double eta) {
  TORCH_CHECK(steps >= 1 && steps <= schedule.config().num_train_timesteps, "steps: must be 1..",
              schedule.config().num_train_timesteps, ", got ", steps);
  for (const Factory& factory : kFactories) {
    if (factory.name == name) return factory.make(schedule, steps, eta);
  }
  TORCH_CHECK(false, "scheduler: there is no scheduler ", std::string(name));
}

}  // namespace vico::worker
