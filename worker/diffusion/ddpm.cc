// Ancestral sampling. Source: Ho et al., arXiv:2006.11239, eq. 7; diffusers scheduling_ddpm.py,
// "leading" spacing, variance "fixed_small", no clipping.
#include <cmath>

#include "worker/diffusion/scheduler.h"

namespace vico {
namespace {

class Ddpm : public Scheduler {
 public:
  Ddpm(const Schedule& schedule, int64_t steps)
      : schedule_(schedule), stride_(schedule.config().num_train_timesteps / steps) {
    timesteps_ = LeadingTimesteps(schedule.config(), steps);
  }

  at::Tensor Step(const at::Tensor& model_output, int64_t index, const at::Tensor& x,
                  const StepNoise& noise) override {
    const int64_t t = timesteps_.at(static_cast<size_t>(index));
    const int64_t previous = t - stride_;
    const double a = schedule_.AlphaBar(t);
    const double a_prev = previous >= 0 ? schedule_.AlphaBar(previous) : 1.0;
    const double alpha = a / a_prev;
    const auto x0 = PredictOriginal(schedule_, model_output, t, x);
    auto next = x0 * (std::sqrt(a_prev) * (1 - alpha) / (1 - a)) +
                x * (std::sqrt(alpha) * (1 - a_prev) / (1 - a));
    const double variance = (1 - a_prev) / (1 - a) * (1 - alpha);
    if (variance > 0) next = next + noise(index) * std::sqrt(variance);
    return next;
  }

 private:
  const Schedule& schedule_;
  int64_t stride_;
};

}  // namespace

std::unique_ptr<Scheduler> MakeDdpm(const Schedule& schedule, int64_t steps) {
  return std::make_unique<Ddpm>(schedule, steps);
}

}  // namespace vico
