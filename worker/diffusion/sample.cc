#include "worker/diffusion/sample.h"

#include <utility>

namespace vico::worker {
namespace {

at::Tensor FirstState(const Scheduler& scheduler, const SampleStart& start, int64_t first) {
  // As in diffusers, a part that is drawn anew in all steps begins with noise alone.
  const bool all_noise = !start.original.defined() || (start.redrawn.defined() && first == 0);
  return all_noise ? start.noise * scheduler.start_scale()
                   : scheduler.Noised(start.original, start.noise, first);
}

// `x` of call `index` with the original in place of what is not to be drawn anew.
at::Tensor WithKept(const Scheduler& scheduler, const SampleStart& start, const at::Tensor& x,
                    int64_t index) {
  const bool last = index == static_cast<int64_t>(scheduler.timesteps().size());
  const auto kept = last ? start.original : scheduler.Noised(start.original, start.noise, index);
  return (1 - start.redrawn) * kept + start.redrawn * x;
}

}  // namespace

at::Tensor Sample(const PredictFn& predict, Scheduler& scheduler, const SampleStart& start,
                  const StepNoise& step_noise, const OnSampleStep& on_step) {
  const auto& timesteps = scheduler.timesteps();
  const auto end = static_cast<int64_t>(timesteps.size());
  const int64_t first = scheduler.CallOfStep(start.skipped_steps);
  auto x = FirstState(scheduler, start, first);
  for (int64_t i = first; i < end; ++i) {
    const auto predicted = predict(scheduler.ModelInput(x, i), timesteps[static_cast<size_t>(i)]);
    auto next = scheduler.Step(predicted, i, x, step_noise);
    if (start.redrawn.defined()) next = WithKept(scheduler, start, next, i + 1);
    if (on_step) {
      const SampleStep done = {.step = i - first + 1,
                               .total = end - first,
                               .original = [&scheduler, &predicted, i,
                                            &x] { return scheduler.Original(predicted, i, x); },
                               .predicted = predicted,
                               .next = next};
      if (!on_step(done)) return {};
    }
    x = std::move(next);
  }
  return x;
}

}  // namespace vico::worker
