// UniPC of order 2: each call first corrects the state it was made at, then predicts the next one.
// Source: Zhao et al., arXiv:2302.04867, algorithms 5 to 8 with B(h) = exp(h) - 1; diffusers
// scheduling_unipc_multistep.py: "bh2", predict_x0, lower_order_final, last sigma zero.
#include <cmath>
#include <utility>

#include "worker/diffusion/sigmas.h"

namespace vico::worker {
namespace {

class Unipc : public MultistepScheduler {
 public:
  Unipc(const Schedule& schedule, int64_t steps)
      : MultistepScheduler(schedule, steps, schedule.config().use_karras_sigmas) {}

  at::Tensor Step(const at::Tensor& model_output, int64_t index, const at::Tensor& x,
                  const StepNoise& /*noise*/) override {
    const auto x0 = Original(model_output, index, x);
    const bool first = !latest_.defined();
    start_ = first ? x : Corrected(x0, index);
    before_ = std::exchange(latest_, x0);
    const bool last = static_cast<size_t>(index) + 1 == timesteps_.size();
    order_ = first || last ? 1 : 2;
    return Predicted(index);
  }

 private:
  // The first-order terms of the step from one level to another.
  struct Move {
    Move(const Level& from, const Level& to)
        : h(to.lambda() - from.lambda()),
          ratio(to.sigma / from.sigma),
          gain(-to.alpha * std::expm1(-h)) {}
    at::Tensor Of(const at::Tensor& x, const at::Tensor& x0) const { return x * ratio + x0 * gain; }
    double h, ratio, gain;
  };

  // Distance from call `index` to the call before it, in units of `h`; negative.
  double Distance(int64_t index, double h) const {
    return (LevelAt(index - 1).lambda() - LevelAt(index).lambda()) / h;
  }

  at::Tensor Predicted(int64_t index) const {
    const Move move(LevelAt(index), LevelAt(index + 1));
    auto next = move.Of(start_, latest_);
    if (order_ == 2)
      next = next + (before_ - latest_) * (0.5 * move.gain / Distance(index, move.h));
    return next;
  }

  // Repeats the previous step, now that the network's output at its end is known.
  at::Tensor Corrected(const at::Tensor& x0, int64_t index) const {
    const Move move(LevelAt(index - 1), LevelAt(index));
    const auto next = move.Of(start_, latest_);
    if (order_ == 1) return next + (x0 - latest_) * (0.5 * move.gain);
    // The two weights that make the step exact to the second order.
    const double hh = -move.h;
    const double phi1 = std::expm1(hh) / hh - 1;
    const double phi2 = phi1 / hh - 0.5;
    const double b1 = phi1 / std::expm1(hh);
    const double b2 = 2 * phi2 / std::expm1(hh);
    const double r = Distance(index - 1, move.h);
    const double rho_before = (b2 - b1) / (r - 1);
    const double rho = b1 - rho_before;
    return next + ((before_ - latest_) * (rho_before / r) + (x0 - latest_) * rho) * move.gain;
  }

  int64_t order_ = 1;           // of the step from start_
  at::Tensor start_;            // where the latest step began, corrected
  at::Tensor latest_, before_;  // x_0 as predicted there, and at the call before
};

}  // namespace

std::unique_ptr<Scheduler> MakeUnipc(const Schedule& schedule, int64_t steps, double /*eta*/) {
  return std::make_unique<Unipc>(schedule, steps);
}

}  // namespace vico::worker
