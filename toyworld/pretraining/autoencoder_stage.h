// The first training stage of the tiny base: the autoencoder.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "toyworld/pretraining/stage.h"
#include "worker/model/vae.h"

namespace vico::toyworld {

/// Trains until `steps` or a stop signal. Resumes from <directory>/autoencoder.safetensors if it
/// exists.
absl::Status TrainAutoencoder(const StageOptions& options);

struct TrainedVae {
  worker::Vae vae{nullptr};   ///< averaged weights
  double scaling_factor = 1;  ///< 1 / standard deviation of the latents of held-out drawings
};

/// The averaged weights of the stage's newest checkpoint.
absl::StatusOr<TrainedVae> LoadTrainedVae(const StageOptions& options);

}  // namespace vico::toyworld
