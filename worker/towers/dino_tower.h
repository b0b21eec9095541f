// DINO: features of pictures from training without labels. Source: arXiv:2104.14294; transformers
// ViTModel. B pictures, D hidden_size.
#pragma once

#include <memory>
#include <string>

#include <absl/status/statusor.h>

#include "worker/towers/tower_pictures.h"
#include "worker/towers/vision_transformer.h"

namespace vico::worker {

/// On the CPU, in fp32, without gradients.
class DinoTower {
 public:
  /// Reads a directory as ClipTower::Load() does, without a tokenizer.
  static absl::StatusOr<std::unique_ptr<DinoTower>> Load(const std::string& directory);

  /// A row of Features()' input, [3, S, S]. Errors: PreparePicture()'s.
  absl::StatusOr<torch::Tensor> Prepare(const Pixels& pixels) const {
    return PreparePicture(pixels, pictures_);
  }

  /// [B, 3, S, S] -> the class token's state after the last norm, [B, D]. Throws c10::Error for
  /// another shape.
  torch::Tensor Features(const torch::Tensor& pictures);

  const VisionConfig& config() const { return config_; }

 private:
  DinoTower(const VisionConfig& config, PictureConfig pictures);

  VisionConfig config_;
  PictureConfig pictures_;
  VisionTransformer vision_;
};

}  // namespace vico::worker
