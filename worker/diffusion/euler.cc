// Euler's method in sigma space. Source: Karras et al., arXiv:2206.00364, algorithm 2 without its
// noise and correction; diffusers scheduling_euler_discrete.py.
#include "worker/diffusion/sigmas.h"

namespace vico::worker {
namespace {

class Euler : public RatioScheduler {
 public:
  Euler(const Schedule& schedule, int64_t steps)
      : RatioScheduler(schedule, steps, Karras::kAsConfigured) {}

  at::Tensor Step(const at::Tensor& model_output, int64_t index, const at::Tensor& x,
                  const StepNoise& /*noise*/) override {
    const auto slope = (x - Original(model_output, index, x)) / Ratio(index);
    return x + slope * (Ratio(index + 1) - Ratio(index));
  }
};

}  // namespace

std::unique_ptr<Scheduler> MakeEuler(const Schedule& schedule, int64_t steps, double /*eta*/) {
  return std::make_unique<Euler>(schedule, steps);
}

}  // namespace vico::worker
