// DPM-Solver++(2M). Source: Lu et al., arXiv:2211.01095, algorithm 2; diffusers
// scheduling_dpmsolver_multistep.py: midpoint, "linspace" spacing, last sigma zero.
#include <cmath>

#include "worker/diffusion/scheduler.h"

namespace vico {
namespace {

class DpmSolver : public Scheduler {
 public:
  DpmSolver(const Schedule& schedule, int64_t steps) : schedule_(schedule) {
    const auto last = static_cast<double>(schedule.config().num_train_timesteps - 1);
    for (int64_t k = steps; k >= 1; --k) {
      const double t = last * static_cast<double>(k) / static_cast<double>(steps);
      timesteps_.push_back(static_cast<int64_t>(std::nearbyint(t)));
    }
  }

  at::Tensor Step(const at::Tensor& model_output, int64_t index, const at::Tensor& x,
                  const StepNoise& /*noise*/) override {
    const auto i = static_cast<size_t>(index);
    const auto x0 = PredictOriginal(schedule_, model_output, timesteps_.at(i), x);
    at::Tensor next;
    if (i + 1 == timesteps_.size()) {
      next = x0;  // sigma 0
    } else {
      const Point from = At(timesteps_[i]);
      const Point to = At(timesteps_[i + 1]);
      const double h = to.lambda - from.lambda;
      const double factor = -to.alpha * std::expm1(-h);
      next = x * (to.sigma / from.sigma) + x0 * factor;
      if (previous_.defined()) {
        const double h0 = from.lambda - At(timesteps_[i - 1]).lambda;
        next = next + (x0 - previous_) * (0.5 * factor * h / h0);
      }
    }
    previous_ = x0;
    return next;
  }

 private:
  struct Point {
    double alpha, sigma, lambda;
  };
  Point At(int64_t t) const {
    const double a = schedule_.AlphaBar(t);
    const double alpha = std::sqrt(a);
    const double sigma = std::sqrt(1 - a);
    return {alpha, sigma, std::log(alpha) - std::log(sigma)};
  }

  const Schedule& schedule_;
  at::Tensor previous_;  // x_0 as predicted at the step before
};

}  // namespace

std::unique_ptr<Scheduler> MakeDpmSolver(const Schedule& schedule, int64_t steps) {
  return std::make_unique<DpmSolver>(schedule, steps);
}

}  // namespace vico
