// Sampling of latent consistency models: x_0 at once, noised again to the next level.
// Source: Luo et al., arXiv:2310.04378, algorithm 3; diffusers scheduling_lcm.py.
#include <cmath>

#include "worker/diffusion/level.h"
#include "worker/diffusion/scheduler.h"

namespace vico::worker {
namespace {

class Lcm : public Scheduler {
 public:
  Lcm(const Schedule& schedule, int64_t steps) : schedule_(schedule) {
    const auto& config = schedule.config();
    const int64_t original = config.original_inference_steps;
    TORCH_CHECK(steps <= original, "steps: must be 1..", original, " with the scheduler lcm, got ",
                steps);
    // A subset of the timesteps that the model was distilled on, from the last one down.
    const int64_t stride = config.num_train_timesteps / original;
    for (int64_t k = 0; k < steps; ++k) {
      const double skipped =
          static_cast<double>(k) * (static_cast<double>(original) / static_cast<double>(steps));
      timesteps_.push_back(
          static_cast<double>((original - static_cast<int64_t>(skipped)) * stride - 1));
    }
  }

  at::Tensor Noised(const at::Tensor& x0, const at::Tensor& noise, int64_t index) const override {
    return AtLevel(LevelAt(index), x0, noise);
  }

  at::Tensor Original(const at::Tensor& model_output, int64_t index,
                      const at::Tensor& x) const override {
    const auto x0 = PredictOriginal(schedule_.config(), LevelAt(index), model_output, x);
    constexpr double kVariance = 0.25;  // of the data
    const double t =
        timesteps_.at(static_cast<size_t>(index)) * schedule_.config().timestep_scaling;
    const double sum = t * t + kVariance;
    return x0 * (t / std::sqrt(sum)) + x * (kVariance / sum);
  }

  at::Tensor Step(const at::Tensor& model_output, int64_t index, const at::Tensor& x,
                  const StepNoise& noise) override {
    auto x0 = Original(model_output, index, x);
    if (static_cast<size_t>(index) + 1 == timesteps_.size()) return x0;
    const Level next = LevelAt(index + 1);
    return x0 * next.alpha + noise(index) * next.sigma;
  }

 private:
  Level LevelAt(int64_t index) const {
    const double t = timesteps_.at(static_cast<size_t>(index));
    return LevelOfAlphaBar(schedule_.AlphaBar(static_cast<int64_t>(t)));
  }

  const Schedule& schedule_;
};

}  // namespace

std::unique_ptr<Scheduler> MakeLcm(const Schedule& schedule, int64_t steps, double /*eta*/) {
  return std::make_unique<Lcm>(schedule, steps);
}

}  // namespace vico::worker
