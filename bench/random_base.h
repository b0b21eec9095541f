// Base models with random weights, in memory, for the programs that need a size and no pictures.
#pragma once

#include <string>

#include <absl/status/statusor.h>

#include "worker/personalize/base.h"

namespace vico::bench {

struct RandomBaseOptions {
  bool small = false;        ///< a tenth of Stable Diffusion 1.5's width; else its size
  bool needs_unet = true;    ///< a network that is not needed is tiny: Base must have one of each
  bool needs_vae = true;     ///< likewise
  std::string tokenizer_of;  ///< folder of a base model; its vocabulary is padded to CLIP's size
  int threads = 1;
};

/// fp32 on the CPU. Equal options give equal weights. Errors as for OpenBaseModel().
absl::StatusOr<worker::Base> MakeRandomBase(const RandomBaseOptions& options);

/// All three networks on `device`, U-Net and autoencoder as `dtype`.
worker::Base CopyOn(const torch::Device& device, torch::ScalarType dtype, const worker::Base& base);

}  // namespace vico::bench
