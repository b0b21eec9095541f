// CLIP: pictures and texts as directions in one space. Source: arXiv:2103.00020; transformers
// CLIPModel. B pictures or texts, P projection_dim.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "common/text/tokenizer.h"
#include "worker/model/clip_text.h"
#include "worker/towers/tower_pictures.h"
#include "worker/towers/vision_transformer.h"

namespace vico::worker {

/// The linear layers behind the two towers.
struct ClipProjectionsImpl : torch::nn::Module {
  explicit ClipProjectionsImpl(const ClipConfig& config);
  torch::nn::Linear visual_projection{nullptr}, text_projection{nullptr};
};
TORCH_MODULE(ClipProjections);

/// On the CPU, in fp32, without gradients.
class ClipTower {
 public:
  /// Reads a directory in transformers' layout: config.json, model.safetensors (or its shards, or
  /// pytorch_model.bin), preprocessor_config.json, and the tokenizer's files. kNotFound or
  /// kInvalidArgument naming the file, and the key or the tensor.
  static absl::StatusOr<std::unique_ptr<ClipTower>> Load(const std::string& directory);

  /// A row of ImageEmbedding()'s input, [3, S, S]. Errors: PreparePicture()'s.
  absl::StatusOr<torch::Tensor> Prepare(const Pixels& pixels) const {
    return PreparePicture(pixels, pictures_);
  }

  /// Tokens of texts, [B, max_position_embeddings], int64. Longer texts are cut off.
  torch::Tensor Ids(const std::vector<std::string>& texts) const;

  /// [B, 3, S, S] -> [B, P], rows of length 1. Throws c10::Error for another shape.
  torch::Tensor ImageEmbedding(const torch::Tensor& pictures);

  /// ids [B, L] -> [B, P], rows of length 1. Throws c10::Error for ids beyond the vocabulary, more
  /// than max_position_embeddings, or a row without an end token.
  torch::Tensor TextEmbedding(const torch::Tensor& ids);

  const ClipConfig& config() const { return config_; }

 private:
  ClipTower(const ClipConfig& config, PictureConfig pictures, Tokenizer tokenizer);

  ClipConfig config_;
  PictureConfig pictures_;
  Tokenizer tokenizer_;
  ClipText text_;
  VisionTransformer vision_;
  ClipProjections projections_;
};

}  // namespace vico::worker
