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

/// Where a run begins.
struct SampleStart {
  at::Tensor noise;          ///< [N, C, h, w], standard normal
  at::Tensor original = {};  ///< [N, C, h, w], latents of a picture to begin with; undefined: noise
  int64_t skipped_steps = 0;  ///< sampling steps that are left out at the beginning
  /// [h, w], 1 where the picture is drawn anew and 0 where `original` is kept, which it needs then.
  /// Undefined: all is drawn anew.
  at::Tensor redrawn = {};
};

/// A network call that is done.
struct SampleStep {
  int64_t step = 0;   ///< 1..total
  int64_t total = 0;  ///< network calls in all, without those of steps left out
  /// The prediction of the finished latents, [N, C, h, w]; may be called during OnSampleStep only.
  std::function<at::Tensor()> original;
  const at::Tensor& predicted;  ///< by the network, [N, C, h, w]
  const at::Tensor& next;       ///< the state after the step, [N, C, h, w]
};

/// Called after every network call, on the calling thread; false stops the loop.
using OnSampleStep = std::function<bool(const SampleStep&)>;

/// Runs the scheduler's steps. With an original they begin with it, noised to the level of the
/// first step, and with `redrawn` the rest of it is put back after each step, noised to the next
/// level: diffusers' StableDiffusionImg2ImgPipeline, and StableDiffusionInpaintPipeline with a
/// U-Net of 4 channels. `on_step` may be empty. Returns the latents, undefined if `on_step` stopped
/// the loop. Throws what `predict` throws.
at::Tensor Sample(const PredictFn& predict, Scheduler& scheduler, const SampleStart& start,
                  const StepNoise& step_noise, const OnSampleStep& on_step);

}  // namespace vico::worker
