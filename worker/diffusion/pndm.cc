// Linear multistep sampling, Stable Diffusion's first sampler. The first step takes two calls: the
// second corrects it with the slope at its end. Source: Liu et al., arXiv:2202.09778, eq. 11
// and 12; diffusers scheduling_pndm.py with skip_prk_steps, which does not support
// rescale_betas_zero_snr.
#include <algorithm>
#include <cmath>
#include <deque>

#include "worker/diffusion/level.h"
#include "worker/diffusion/scheduler.h"
#include "worker/diffusion/timesteps.h"

namespace vico::worker {
namespace {

class Pndm : public Scheduler {
 public:
  Pndm(const Schedule& schedule, int64_t steps)
      : schedule_(schedule.NotRescaled()), stride_(schedule.config().num_train_timesteps / steps) {
    timesteps_ = SpacedTimesteps(schedule.config(), "leading", Grid::kWhole, steps);
    if (steps > 1) timesteps_.insert(timesteps_.begin() + 1, timesteps_[1]);
  }

  at::Tensor Noised(const at::Tensor& x0, const at::Tensor& noise, int64_t index) const override {
    return AtLevel(LevelOfAlphaBar(AlphaBar(At(index))), x0, noise);
  }

  at::Tensor Original(const at::Tensor& model_output, int64_t index,
                      const at::Tensor& x) const override {
    return PredictOriginal(schedule_.config(), LevelOfAlphaBar(AlphaBar(At(index))), model_output,
                           x);
  }

  at::Tensor Step(const at::Tensor& model_output, int64_t index, const at::Tensor& x,
                  const StepNoise& /*noise*/) override {
    if (index == 1) {
      return Move(start_, (model_output + outputs_.front()) / 2, At(1) + stride_, At(1));
    }
    if (index == 0) start_ = x;
    outputs_.push_front(model_output);
    if (outputs_.size() > 4) outputs_.pop_back();
    return Move(x, Combined(), At(index), At(index) - stride_);
  }

 private:
  int64_t At(int64_t index) const {
    return static_cast<int64_t>(timesteps_.at(static_cast<size_t>(index)));
  }
  double AlphaBar(int64_t t) const {
    const int64_t last = schedule_.config().num_train_timesteps - 1;
    if (t >= 0) return schedule_.AlphaBar(std::min(t, last));
    return schedule_.config().set_alpha_to_one.value_or(false) ? 1.0 : schedule_.AlphaBar(0);
  }

  // Adams-Bashforth weights for the number of outputs so far.
  at::Tensor Combined() const {
    const auto& e = outputs_;
    switch (e.size()) {
      case 1:
        return e[0];
      case 2:
        return (e[0] * 3 - e[1]) / 2;
      case 3:
        return (e[0] * 23 - e[1] * 16 + e[2] * 5) / 12;
      default:
        return (e[0] * 55 - e[1] * 59 + e[2] * 37 - e[3] * 9) / 24;
    }
  }

  // Along the noise in `output`, from the level of `from` to that of `to`.
  at::Tensor Move(const at::Tensor& x, const at::Tensor& output, int64_t from, int64_t to) const {
    const double a = AlphaBar(from);
    const double b = AlphaBar(to);
    const auto eps = PredictNoise(schedule_.config(), LevelOfAlphaBar(a), output, x);
    const double divisor = a * std::sqrt(1 - b) + std::sqrt(a * (1 - a) * b);
    return x * std::sqrt(b / a) - eps * ((b - a) / divisor);
  }

  Schedule schedule_;
  int64_t stride_;
  at::Tensor start_;
  std::deque<at::Tensor> outputs_;  // newest first
};

}  // namespace

std::unique_ptr<Scheduler> MakePndm(const Schedule& schedule, int64_t steps, double /*eta*/) {
  return std::make_unique<Pndm>(schedule, steps);
}

}  // namespace vico::worker
