// DDIM. Source: Song et al., arXiv:2010.02502, eq. 12; diffusers scheduling_ddim.py, "leading"
// spacing, no clipping.
#include <cmath>

#include "worker/diffusion/scheduler.h"

namespace vico {
namespace {

class Ddim : public Scheduler {
 public:
  Ddim(const Schedule& schedule, int64_t steps, double eta)
      : schedule_(schedule), stride_(schedule.config().num_train_timesteps / steps), eta_(eta) {
    timesteps_ = LeadingTimesteps(schedule.config(), steps);
  }

  at::Tensor Step(const at::Tensor& model_output, int64_t index, const at::Tensor& x,
                  const StepNoise& noise) override {
    const int64_t t = timesteps_.at(static_cast<size_t>(index));
    const double a = schedule_.AlphaBar(t);
    const double a_prev = schedule_.AlphaBar(std::max<int64_t>(t - stride_, -1));
    const auto x0 = PredictOriginal(schedule_, model_output, t, x);
    const auto eps = (x - x0 * std::sqrt(a)) / std::sqrt(1 - a);
    const double sigma = eta_ * std::sqrt(std::max(0.0, (1 - a_prev) / (1 - a) * (1 - a / a_prev)));
    auto next = x0 * std::sqrt(a_prev) + eps * std::sqrt(std::max(0.0, 1 - a_prev - sigma * sigma));
    if (sigma > 0) next = next + noise(index) * sigma;
    return next;
  }

 private:
  const Schedule& schedule_;
  int64_t stride_;
  double eta_;
};

}  // namespace

std::unique_ptr<Scheduler> MakeDdim(const Schedule& schedule, int64_t steps, double eta) {
  return std::make_unique<Ddim>(schedule, steps, eta);
}

}  // namespace vico
