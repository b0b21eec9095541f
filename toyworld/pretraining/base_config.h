// The tiny base model: its sizes, and how its directory in diffusers layout is written.
#pragma once

#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/text/tokenizer.h"
#include "worker/base_model/base_model.h"
#include "worker/diffusion/schedule.h"
#include "worker/model/clip_text.h"
#include "worker/model/config.h"
#include "worker/model/unet.h"
#include "worker/model/vae.h"

namespace vico::toyworld {

/// ViCo's sites are at the same places as in Stable Diffusion 1.x: of 16 transformers, 8, 10, 12
/// and 14 are sites, at a quarter, a half, a half and the whole of the latent's side.
worker::UNetConfig BaseUNetConfig();
worker::VaeConfig BaseVaeConfig();
worker::ClipTextConfig BaseTextConfig(int64_t vocab_size);
worker::ScheduleConfig BaseScheduleConfig();

/// Initial weights for the training: zeros at the end of every residual branch.
void InitializeVae(worker::Vae& vae);
void InitializeText(worker::ClipText& text);
void InitializeUNet(worker::UNet& unet);

/// The weights of the base model in `directory`, to start from instead of random ones.
absl::StatusOr<worker::BaseNetworks> ReadBase(const std::string& directory);

/// Copies every parameter. Throws c10::Error if the two differ in size.
void CopyParameters(const torch::nn::Module& from, torch::nn::Module& to);

/// The tokenizer, whose words are those of the drawn world.
absl::StatusOr<Tokenizer> WorldTokenizer();

/// Writes configs, tokenizer and fp16 weights; `scaling_factor` goes into vae/config.json.
absl::Status WriteBase(const std::string& directory, const worker::Vae& vae, double scaling_factor,
                       const worker::ClipText& text, const worker::UNet& unet);

}  // namespace vico::toyworld
