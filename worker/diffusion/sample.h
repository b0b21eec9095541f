// The denoising loop: from noise to latents, with any network and any scheduler.
// N pictures; C, h and w are the latent's channels and sides.
#pragma once

#include <cstdint>
#include <functional>

#include <ATen/ATen.h>

#include "worker/diffusion/scheduler.h"

namespace vico::worker {

/// x [N, C, h, w] at a timestep -> the network's prediction [N, C, h, w] in fp32.
using PredictFn = std::function<at::Tensor(const at::Tensor& x, double timestep)>;

/// A network call that is done.
struct SampleStep {
  int64_t step = 0;   ///< 1..total
  int64_t total = 0;  ///< network calls in all
  /// The prediction of the finished latents, [N, C, h, w]; may be called during OnSampleStep only.
  std::function<at::Tensor()> original;
  const at::Tensor& predicted;  ///< by the network, [N, C, h, w]
  const at::Tensor& next;       ///< the state after the step, [N, C, h, w]
};

/// Called after every network call, on the calling thread; false stops the loop.
using OnSampleStep = std::function<bool(const SampleStep&)>;

/// Runs the scheduler's steps from `noise` [N, C, h, w], standard normal. `on_step` may be empty.
/// Returns the latents, undefined if `on_step` stopped the loop. Throws what `predict` throws.
at::Tensor Sample(const PredictFn& predict, Scheduler& scheduler, const at::Tensor& noise,
                  const StepNoise& step_noise, const OnSampleStep& on_step);

}  // namespace vico::worker
