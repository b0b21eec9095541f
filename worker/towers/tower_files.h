// What the towers share in reading their directories.
#pragma once

#include <span>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "worker/base_model/weights.h"
#include "worker/towers/tower_config.h"

namespace vico::worker {

struct TowerWeights {
  Weights weights;     ///< with the parameters' names in the file
  std::string source;  ///< the file to name in messages about all weights
};

/// Opens model.safetensors, its shards or pytorch_model.bin. kNotFound if there is none, and the
/// errors of OpenWeights().
absl::StatusOr<TowerWeights> OpenTowerWeights(const std::string& directory);

/// Reads preprocessor_config.json. kInvalidArgument naming it unless its pictures have `image_size`
/// pixels a side.
absl::StatusOr<PictureConfig> ReadPictureConfig(const std::string& directory,
                                                PictureProcessor processor, int64_t image_size);

/// LoadParameters(), then evaluation mode without gradients.
absl::Status LoadTower(torch::nn::Module& network, std::span<const StoredTensor> tensors,
                       const std::string& source);

}  // namespace vico::worker
