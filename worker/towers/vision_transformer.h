// The vision transformer of CLIP and DINO: patches, a class token, pre-norm blocks.
// Source: arXiv:2010.11929, section 3.1; transformers CLIPVisionTransformer and ViTModel.
// B pictures of S x S pixels, D hidden_size.
#pragma once

#include <string>
#include <vector>

#include "worker/model/torch.h"
#include "worker/towers/tower_config.h"

namespace vico::worker {

/// Where a checkpoint has the parameters, and what is there in one kind of model only.
struct VisionLayout {
  std::string class_token, positions, patches;
  std::string pre_norm;  ///< of the input of the first block; empty: there is none
  std::string layers;    ///< the names below are inside of layers.0, layers.1, ...
  std::string norm1, query, key, value, out, norm2, fc1, fc2;
  std::string final_norm;
  bool patch_bias = false;
  bool batch_axis = false;  ///< class token [1, 1, D] and positions [1, N, D]; else [D] and [N, D]
};

VisionLayout ClipVisionLayout();
VisionLayout DinoLayout();

class VisionLayerImpl : public torch::nn::Module {
 public:
  VisionLayerImpl(const VisionConfig& config, const VisionLayout& layout);
  torch::Tensor forward(const torch::Tensor& x);  ///< [B, N, D] -> [B, N, D]

 private:
  int64_t heads_;
  bool quick_gelu_;
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr};
  torch::nn::Linear query_{nullptr}, key_{nullptr}, value_{nullptr}, out_{nullptr};
  torch::nn::Linear fc1_{nullptr}, fc2_{nullptr};
};
TORCH_MODULE(VisionLayer);

class VisionTransformerImpl : public torch::nn::Module {
 public:
  VisionTransformerImpl(const VisionConfig& config, const VisionLayout& layout);

  /// Normalised pictures [B, 3, S, S] -> the class token's state after the final norm, [B, D].
  /// Throws c10::Error for another size.
  torch::Tensor forward(const torch::Tensor& pictures);

 private:
  int64_t image_size_;
  torch::Tensor class_token_, positions_;
  torch::nn::Conv2d patches_{nullptr};
  torch::nn::LayerNorm pre_norm_{nullptr}, final_norm_{nullptr};
  std::vector<VisionLayer> layers_;
};
TORCH_MODULE(VisionTransformer);

}  // namespace vico::worker
