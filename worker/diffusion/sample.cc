#include "worker/diffusion/sample.h"

#include <utility>

namespace vico::worker {

at::Tensor Sample(const PredictFn& predict, Scheduler& scheduler, const at::Tensor& noise,
                  const StepNoise& step_noise, const OnSampleStep& on_step) {
  const auto& timesteps = scheduler.timesteps();
  const auto total = static_cast<int64_t>(timesteps.size());
  auto x = noise * scheduler.start_scale();
  for (int64_t i = 0; i < total; ++i) {
    const auto predicted = predict(scheduler.ModelInput(x, i), timesteps[static_cast<size_t>(i)]);
    auto next = scheduler.Step(predicted, i, x, step_noise);
    if (on_step) {
      const SampleStep done = {.step = i + 1,
                               .total = total,
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
