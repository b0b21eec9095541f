// Euler's method in sigma space that goes below the next noise level and adds fresh noise back.
// Source: diffusers scheduling_euler_ancestral_discrete.py.
#include <cmath>

#include "worker/diffusion/sigmas.h"

namespace vico::worker {
namespace {

class EulerAncestral : public RatioScheduler {
 public:
  EulerAncestral(const Schedule& schedule, int64_t steps)
      : RatioScheduler(schedule, steps, Karras::kNever) {}

  at::Tensor Step(const at::Tensor& model_output, int64_t index, const at::Tensor& x,
                  const StepNoise& noise) override {
    const double from = Ratio(index);
    const double to = Ratio(index + 1);
    const double up = to * std::sqrt(from * from - to * to) / from;
    const double down = std::sqrt(to * to - up * up);
    const auto slope = (x - Original(model_output, index, x)) / from;
    auto next = x + slope * (down - from);
    if (up > 0) next = next + noise(index) * up;
    return next;
  }
};

}  // namespace

std::unique_ptr<Scheduler> MakeEulerAncestral(const Schedule& schedule, int64_t steps,
                                              double /*eta*/) {
  return std::make_unique<EulerAncestral>(schedule, steps);
}

}  // namespace vico::worker
