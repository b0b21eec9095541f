#include "worker/towers/dino_tower.h"

#include <filesystem>
#include <utility>
#include <vector>

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include "common/status.h"
#include "worker/io/file.h"
#include "worker/model/uninitialized.h"
#include "worker/towers/tower_files.h"

namespace vico::worker {
namespace {

/// Parts of ViTModel that the class token's state does not depend on.
bool IsUnusedByDino(const std::string& name) {
  return name.starts_with("pooler.") || name == "embeddings.mask_token";
}

}  // namespace

DinoTower::DinoTower(const VisionConfig& config, PictureConfig pictures)
    : config_(config), pictures_(std::move(pictures)), vision_(config, DinoLayout()) {}

absl::StatusOr<std::unique_ptr<DinoTower>> DinoTower::Load(const std::string& directory) {
  const std::string path = (std::filesystem::path(directory) / "config.json").string();
  ASSIGN_OR_RETURN(const std::string text, ReadSmallFile(path));
  ASSIGN_OR_RETURN(const VisionConfig config, ParseDinoConfig(text, path));
  ASSIGN_OR_RETURN(PictureConfig pictures,
                   ReadPictureConfig(directory, PictureProcessor::kVit, config.image_size));
  ASSIGN_OR_RETURN(TowerWeights file, OpenTowerWeights(directory));
  std::erase_if(file.weights.tensors,
                [](const StoredTensor& tensor) { return IsUnusedByDino(tensor.name); });
  try {
    std::unique_ptr<DinoTower> tower;
    {
      const UninitializedParameters every_one_is_loaded;
      tower.reset(new DinoTower(config, std::move(pictures)));
    }
    RETURN_IF_ERROR(LoadTower(*tower->vision_, file.weights.tensors, file.source));
    return tower;
  } catch (const c10::Error& error) {  // for example no memory for such sizes
    return absl::InvalidArgumentError(fmt::format("{}: {}", path, error.what_without_backtrace()));
  }
}

torch::Tensor DinoTower::Features(const torch::Tensor& pictures) {
  const torch::NoGradGuard no_grad;
  return vision_(pictures);
}

}  // namespace vico::worker
