// DDIM. Source: Song et al., arXiv:2010.02502, eq. 12; diffusers scheduling_ddim.py.
#include <algorithm>
#include <cmath>

#include "worker/diffusion/level.h"
#include "worker/diffusion/scheduler.h"
#include "worker/diffusion/timesteps.h"

namespace vico::worker {
namespace {

class Ddim : public Scheduler {
 public:
  Ddim(const Schedule& schedule, int64_t steps, double eta)
      : schedule_(schedule), stride_(schedule.config().num_train_timesteps / steps), eta_(eta) {
    timesteps_ = SpacedTimesteps(schedule.config(), "leading", Grid::kWhole, steps);
  }

  at::Tensor Noised(const at::Tensor& x0, const at::Tensor& noise, int64_t index) const override {
    return AtLevel(LevelOfAlphaBar(schedule_.AlphaBar(At(index))), x0, noise);
  }

  at::Tensor Original(const at::Tensor& model_output, int64_t index,
                      const at::Tensor& x) const override {
    return PredictOriginal(schedule_.config(), LevelOfAlphaBar(schedule_.AlphaBar(At(index))),
                           model_output, x);
  }

  at::Tensor Step(const at::Tensor& model_output, int64_t index, const at::Tensor& x,
                  const StepNoise& noise) override {
    const double a = schedule_.AlphaBar(At(index));
    const double a_next = AlphaBarAfter(At(index));
    const double sigma = eta_ * std::sqrt(std::max(0.0, (1 - a_next) / (1 - a) * (1 - a / a_next)));
    const auto eps = PredictNoise(schedule_.config(), LevelOfAlphaBar(a), model_output, x);
    auto next = Original(model_output, index, x) * std::sqrt(a_next) +
                eps * std::sqrt(std::max(0.0, 1 - a_next - sigma * sigma));
    if (sigma > 0) next = next + noise(index) * sigma;
    return next;
  }

 private:
  int64_t At(int64_t index) const {
    return static_cast<int64_t>(timesteps_.at(static_cast<size_t>(index)));
  }
  double AlphaBarAfter(int64_t t) const {
    if (t >= stride_) return schedule_.AlphaBar(t - stride_);
    return schedule_.config().set_alpha_to_one.value_or(true) ? 1.0 : schedule_.AlphaBar(0);
  }

  const Schedule& schedule_;
  int64_t stride_;
  double eta_;
};

}  // namespace

std::unique_ptr<Scheduler> MakeDdim(const Schedule& schedule, int64_t steps, double eta) {
  return std::make_unique<Ddim>(schedule, steps, eta);
}

}  // namespace vico::worker
