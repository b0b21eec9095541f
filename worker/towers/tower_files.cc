#include "worker/towers/tower_files.h"

#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "common/status.h"
#include "worker/io/file.h"

namespace vico::worker {

namespace fs = std::filesystem;

absl::StatusOr<TowerWeights> OpenTowerWeights(const std::string& directory) {
  ASSIGN_OR_RETURN(const WeightFiles files, FindWeightFiles(directory, "model"));
  ASSIGN_OR_RETURN(Weights weights, OpenWeights(files));
  // OpenWeights() gives the names that parts of Stable Diffusion have.
  for (auto& tensor : weights.tensors) tensor.name = tensor.stored;
  return TowerWeights{std::move(weights), files.source()};
}

absl::StatusOr<PictureConfig> ReadPictureConfig(const std::string& directory,
                                                PictureProcessor processor, int64_t image_size) {
  const std::string path = (fs::path(directory) / "preprocessor_config.json").string();
  ASSIGN_OR_RETURN(const std::string text, ReadSmallFile(path));
  ASSIGN_OR_RETURN(PictureConfig config, ParsePictureConfig(text, path, processor));
  if (config.result_width() != image_size || config.result_height() != image_size) {
    return absl::InvalidArgumentError(
        fmt::format("{}: gives pictures of {} x {} pixels, and config.json's image_size is {}",
                    path, config.result_width(), config.result_height(), image_size));
  }
  return config;
}

absl::Status LoadTower(torch::nn::Module& network, std::span<const StoredTensor> tensors,
                       const std::string& source) {
  for (auto& parameter : network.parameters()) parameter.set_requires_grad(false);
  RETURN_IF_ERROR(LoadParameters(network, tensors, source));
  network.eval();
  return absl::OkStatus();
}

}  // namespace vico::worker
