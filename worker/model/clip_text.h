// CLIP's text tower, which takes the learned embedding of a placeholder.
// Source: transformers CLIPTextModel; names are its own. B prompts, L tokens, D hidden_size.
#pragma once

#include <vector>

#include "worker/model/config.h"
#include "worker/model/torch.h"

namespace vico::worker {

class ClipLayerImpl : public torch::nn::Module {
 public:
  explicit ClipLayerImpl(const ClipTextConfig& config);
  torch::Tensor forward(const torch::Tensor& x);  ///< [B, L, D] -> [B, L, D], causal

 private:
  int64_t heads_;
  bool quick_gelu_;
  torch::nn::Linear q_proj_{nullptr}, k_proj_{nullptr}, v_proj_{nullptr}, out_proj_{nullptr};
  torch::nn::Linear fc1_{nullptr}, fc2_{nullptr};
  torch::nn::LayerNorm layer_norm1_{nullptr}, layer_norm2_{nullptr};
};
TORCH_MODULE(ClipLayer);

class ClipTextImpl : public torch::nn::Module {
 public:
  explicit ClipTextImpl(const ClipTextConfig& config);

  /// ids [B, L] int64, L <= max_position_embeddings. Rows of the id `vocab_size`, one beyond the
  /// table, are `placeholder` [D]; throws c10::Error if there are some and it is undefined.
  /// Returns the last layer's states after the final norm, [B, L, D].
  torch::Tensor forward(const torch::Tensor& ids, const torch::Tensor& placeholder = {});

  /// A copy of the embedding of a token in the table, [D].
  torch::Tensor WordEmbedding(int64_t id);

  const ClipTextConfig& config() const { return config_; }

 private:
  ClipTextConfig config_;
  torch::nn::Embedding token_embedding_{nullptr}, position_embedding_{nullptr};
  std::vector<ClipLayer> layers_;
  torch::nn::LayerNorm final_layer_norm_{nullptr};
};
TORCH_MODULE(ClipText);

}  // namespace vico::worker
