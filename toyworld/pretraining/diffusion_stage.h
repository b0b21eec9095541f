// The second training stage of the tiny base: text encoder and U-Net together, on the autoencoder's
// latents.
#pragma once

#include <absl/status/status.h>

#include "toyworld/pretraining/stage.h"

namespace vico::toyworld {

/// Trains until `steps` or a stop signal. Resumes from <directory>/diffusion.safetensors if it
/// exists. Needs the autoencoder's checkpoint in the same directory.
absl::Status TrainDiffusion(const StageOptions& options);

/// Writes the base model's directory with the averaged weights of the newest checkpoints.
absl::Status ExportBase(const StageOptions& options, const std::string& base_directory);

}  // namespace vico::toyworld
