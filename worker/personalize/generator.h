// Draws pictures for a prompt, with an adapter or with the bare base model.
// Source: ViCo, arXiv:2306.00971; the authors' DDIM sampler: no noise is added to the reference,
// and it has the target's text and timestep in both halves of the guidance.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "worker/diffusion/sample.h"
#include "worker/personalize/base.h"
#include "worker/personalize/guided_network.h"
#include "worker/personalize/passes.h"

namespace vico::worker {

/// A picture to start from in place of noise. Its latent is a sample of the posterior for each
/// seed.
struct InitPicture {
  torch::Tensor image01;       ///< [3, height, width] in 0..1
  double denoise = 0.8;        ///< share of the steps that run, in 0..1; they must be 1 or more
  torch::Tensor redrawn = {};  ///< [height, width] bool, what is drawn anew; undefined: everything
};

struct GenerateOptions {
  std::string prompt;
  std::string negative_prompt;
  double guidance_scale = 7.5;  ///< 1: only the conditional prediction
  std::string scheduler = "ddim";
  int64_t steps = 50;
  double eta = 0;
  int64_t height = 512;  ///< pixels, a multiple of the autoencoder's factor and the U-Net's depth
  int64_t width = 512;
  std::vector<uint64_t> seeds;  ///< one picture each
  int64_t preview_every = 0;    ///< steps; 0: none
  std::string placeholder = "S*";
  KeyMask mask = KeyMask::kOtsu;
  double strength = 1;  ///< of the adapter's image attention; 0: only the learned word acts
  std::optional<InitPicture> init = {};  ///< not with the scheduler pndm
  Passes* passes = nullptr;  ///< turns on a device with other jobs; null: the caller has the device
};

/// redrawn [height, width] bool -> fp32 [height / factor, width / factor], 1 where the latent is
/// drawn anew: the nearest pixels, as in diffusers.
torch::Tensor LatentMask(const torch::Tensor& redrawn, int64_t factor);

/// The latent of the reference picture [1, 3, h, w] in 0..1: one fixed sample of the posterior.
torch::Tensor ReferenceLatent(Base& base, const torch::Tensor& picture01);

struct GenerateObserver {
  std::function<bool(int64_t step, int64_t total)> on_step;  ///< false stops
  std::function<void(size_t picture, int64_t step, const torch::Tensor& image01)> on_preview;
  std::function<void(size_t picture, const torch::Tensor& image01)> on_picture;
};

/// Only the denoising loop, from `start` with one row for each seed, to the latents of the
/// pictures. Does not read options.height, options.width and options.init. Undefined when stopped.
/// Throws c10::Error; NonFinite, naming step and cause, if a number is not finite.
torch::Tensor Denoise(Base& base, Personalization* personal, const GenerateOptions& options,
                      const SampleStart& start, const GenerateObserver& observer);

/// Draws one picture for each seed and passes it to the observer, [3, height, width] in 0..1 on the
/// CPU. A seed's picture does not depend on the other seeds. What a mask keeps is kept in the
/// latent and decoded with the rest, so that its pixels are near those of the init picture, not
/// equal to them. Every callback may be empty. Without `personal` the bare base model draws.
/// Returns false when stopped. Throws as Denoise() does.
bool GeneratePictures(Base& base, Personalization* personal, const GenerateOptions& options,
                      const GenerateObserver& observer);

}  // namespace vico::worker
