// Heun's method in sigma space: an Euler step, then the same step with the mean of the slopes at
// its two ends. Two network calls a step, one in the last. Source: Karras et al., arXiv:2206.00364,
// algorithm 1; diffusers scheduling_heun_discrete.py, which does not support
// rescale_betas_zero_snr.
#include <utility>

#include "worker/diffusion/sigmas.h"

namespace vico::worker {
namespace {

class Heun : public RatioScheduler {
 public:
  Heun(const Schedule& schedule, int64_t steps)
      : RatioScheduler(schedule.NotRescaled(), steps, Karras::kAsConfigured) {
    std::vector<double> timesteps, ratios;
    for (size_t i = 0; i < timesteps_.size(); ++i) {
      const size_t calls = i == 0 ? 1 : 2;  // the correction of the step before, and the next step
      timesteps.insert(timesteps.end(), calls, timesteps_[i]);
      ratios.insert(ratios.end(), calls, ratios_[i]);
    }
    ratios.push_back(0);
    timesteps_ = std::move(timesteps);
    ratios_ = std::move(ratios);
  }

  int64_t CallOfStep(int64_t step) const override { return 2 * step; }

  at::Tensor Step(const at::Tensor& model_output, int64_t index, const at::Tensor& x,
                  const StepNoise& /*noise*/) override {
    const auto slope = (x - Original(model_output, index, x)) / Ratio(index);
    if (index % 2 == 0) {
      start_ = x;
      slope_ = slope;
      return x + slope * (Ratio(index + 1) - Ratio(index));
    }
    return start_ + (slope_ + slope) * ((Ratio(index) - Ratio(index - 1)) / 2);
  }

 private:
  at::Tensor start_, slope_;  // of the step that is to be corrected
};

}  // namespace

std::unique_ptr<Scheduler> MakeHeun(const Schedule& schedule, int64_t steps, double /*eta*/) {
  return std::make_unique<Heun>(schedule, steps);
}

}  // namespace vico::worker
