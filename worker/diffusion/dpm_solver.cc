// DPM-Solver++(2M). Source: Lu et al., arXiv:2211.01095, algorithm 2; diffusers
// scheduling_dpmsolver_multistep.py: midpoint, last sigma zero.
#include <cmath>

#include "worker/diffusion/sigmas.h"

namespace vico::worker {
namespace {

class DpmSolver : public MultistepScheduler {
 public:
  DpmSolver(const Schedule& schedule, int64_t steps, bool karras)
      : MultistepScheduler(schedule, steps, karras) {}

  at::Tensor Step(const at::Tensor& model_output, int64_t index, const at::Tensor& x,
                  const StepNoise& /*noise*/) override {
    const auto x0 = Original(model_output, index, x);
    at::Tensor next;
    if (static_cast<size_t>(index) + 1 == timesteps_.size()) {
      next = x0;  // sigma 0
    } else {
      const Level from = LevelAt(index);
      const Level to = LevelAt(index + 1);
      const double h = to.lambda() - from.lambda();
      const double factor = -to.alpha * std::expm1(-h);
      next = x * (to.sigma / from.sigma) + x0 * factor;
      if (previous_.defined()) {
        const double h0 = from.lambda() - LevelAt(index - 1).lambda();
        next = next + (x0 - previous_) * (0.5 * factor * h / h0);
      }
    }
    previous_ = x0;
    return next;
  }

 private:
  at::Tensor previous_;  // x_0 as predicted at the call before; undefined in the first
};

}  // namespace

std::unique_ptr<Scheduler> MakeDpmSolver(const Schedule& schedule, int64_t steps, double /*eta*/) {
  return std::make_unique<DpmSolver>(schedule, steps, schedule.config().use_karras_sigmas);
}

std::unique_ptr<Scheduler> MakeDpmSolverKarras(const Schedule& schedule, int64_t steps,
                                               double /*eta*/) {
  return std::make_unique<DpmSolver>(schedule, steps, /*karras=*/true);
}

}  // namespace vico::worker
