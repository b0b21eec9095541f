// Ancestral sampling. Source: Ho et al., arXiv:2006.11239, eq. 7; diffusers scheduling_ddpm.py.
#include <cmath>

#include "worker/diffusion/level.h"
#include "worker/diffusion/scheduler.h"
#include "worker/diffusion/timesteps.h"

namespace vico::worker {
namespace {

class Ddpm : public Scheduler {
 public:
  Ddpm(const Schedule& schedule, int64_t steps) : schedule_(schedule) {
    timesteps_ = SpacedTimesteps(schedule.config(), "leading", Grid::kWhole, steps);
  }

  at::Tensor Noised(const at::Tensor& x0, const at::Tensor& noise, int64_t index) const override {
    return AtLevel(LevelOfAlphaBar(AlphaBarAt(index)), x0, noise);
  }

  at::Tensor Original(const at::Tensor& model_output, int64_t index,
                      const at::Tensor& x) const override {
    return PredictOriginal(schedule_.config(), LevelOfAlphaBar(AlphaBarAt(index)), model_output, x);
  }

  at::Tensor Step(const at::Tensor& model_output, int64_t index, const at::Tensor& x,
                  const StepNoise& noise) override {
    const auto i = static_cast<size_t>(index);
    const double a = AlphaBarAt(index);
    const double a_next = i + 1 < timesteps_.size() ? AlphaBarAt(index + 1) : 1.0;
    const double alpha = a / a_next;
    auto next = Original(model_output, index, x) * (std::sqrt(a_next) * (1 - alpha) / (1 - a)) +
                x * (std::sqrt(alpha) * (1 - a_next) / (1 - a));
    const bool large = schedule_.config().variance_type == "fixed_large";
    const double variance = large ? 1 - alpha : (1 - a_next) / (1 - a) * (1 - alpha);
    if (timesteps_[i] > 0 && variance > 0) next = next + noise(index) * std::sqrt(variance);
    return next;
  }

 private:
  double AlphaBarAt(int64_t index) const {
    return schedule_.AlphaBar(static_cast<int64_t>(timesteps_.at(static_cast<size_t>(index))));
  }

  const Schedule& schedule_;
};

}  // namespace

std::unique_ptr<Scheduler> MakeDdpm(const Schedule& schedule, int64_t steps, double /*eta*/) {
  return std::make_unique<Ddpm>(schedule, steps);
}

}  // namespace vico::worker
