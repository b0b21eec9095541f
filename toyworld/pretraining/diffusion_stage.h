// Second stage: text encoder and U-Net of the tiny base, together, on the autoencoder's latents.
#pragma once

#include <absl/status/status.h>

#include "toyworld/pretraining/stage.h"

namespace vico::toyworld {

/// Trains, or goes on from <directory>/diffusion.safetensors, until `steps` or a stop signal. Needs
/// the autoencoder's checkpoint in the same directory.
absl::Status TrainDiffusion(const StageOptions& options);

/// Writes the base model's directory from the newest checkpoints' averaged weights.
absl::Status ExportBase(const StageOptions& options, const std::string& base_directory);

}  // namespace vico::toyworld
