// The denoising U-Net of Stable Diffusion 1.x.
// Source: diffusers UNet2DConditionModel (v0.23.1); names and order are its own.
// B batch, L text tokens, c cross_attention_dim; a transformer's index counts in execution order.
#pragma once

#include <string>
#include <vector>

#include "worker/model/attention.h"
#include "worker/model/config.h"
#include "worker/model/resnet.h"

namespace vico::worker {

/// Reads and may replace the tokens of the transformers during a forward pass.
class TransformerVisitor {
 public:
  virtual ~TransformerVisitor() = default;

  /// Whether Visit() is to get the text attention's probabilities at transformer `index`.
  virtual bool WantsProbabilities(int64_t index) const = 0;

  /// tokens [B, N, d] left the text block of transformer `index`; probabilities [B, H, N, L] where
  /// wanted, else undefined. Returns the tokens to continue with.
  virtual torch::Tensor Visit(int64_t index, const torch::Tensor& tokens,
                              const torch::Tensor& probabilities) = 0;

  /// Whether to end the forward pass after transformer `index`.
  virtual bool IsLast(int64_t index) const = 0;
};

/// A transformer's name in the U-Net and its width.
struct TransformerSite {
  std::string name;  ///< "up_blocks.1.attentions.1"
  int64_t channels = 0;
  int64_t heads = 0;
};

/// GroupNorm, 1x1 in, text block, 1x1 out, residual.
class SpatialTransformerImpl : public torch::nn::Module {
 public:
  SpatialTransformerImpl(int64_t channels, int64_t heads, const UNetConfig& config);

  /// x [B, d, h, w], text [B, L, c] -> [B, d, h, w]; undefined when the visitor stopped here.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& text, int64_t index,
                        TransformerVisitor* visitor);

 private:
  bool linear_;
  GroupNorm norm_{nullptr};
  Conv conv_in_{nullptr}, conv_out_{nullptr};
  Linear linear_in_{nullptr}, linear_out_{nullptr};
  TransformerBlock block_{nullptr};
};
TORCH_MODULE(SpatialTransformer);

/// One resolution, or the middle: resnets with transformers between, then a resampler.
struct UNetStage {
  std::vector<ResnetBlock> resnets;
  std::vector<SpatialTransformer> attentions;  ///< empty, or one a resnet (middle: one fewer)
  Downsample down{nullptr};
  Upsample up{nullptr};
  int64_t first_index = 0;  ///< of its first transformer
};

class UNetImpl : public torch::nn::Module {
 public:
  /// Throws c10::Error when the sizes do not fit together.
  explicit UNetImpl(const UNetConfig& config);

  /// latent [B, in, h, w], timestep [B] (any number type), text [B, L, c]; h and w divisible by
  /// 2^(resolutions - 1). Returns [B, out, h, w], or an undefined tensor when the visitor stopped
  /// it.
  torch::Tensor forward(const torch::Tensor& latent, const torch::Tensor& timestep,
                        const torch::Tensor& text, TransformerVisitor* visitor = nullptr);

  /// All transformers in execution order.
  const std::vector<TransformerSite>& transformers() const { return sites_; }

  /// How many of them belong to the encoder and the middle.
  int64_t encoder_and_middle() const { return encoder_and_middle_; }

  const UNetConfig& config() const { return config_; }

 private:
  UNetStage AddStage(const std::string& name, const std::vector<ResnetConfig>& resnets,
                     int64_t attention_count, int64_t heads);

  UNetConfig config_;
  std::vector<TransformerSite> sites_;
  int64_t encoder_and_middle_ = 0;
  Conv conv_in_{nullptr}, conv_out_{nullptr};
  Linear time_1_{nullptr}, time_2_{nullptr};
  GroupNorm norm_out_{nullptr};
  std::vector<UNetStage> down_, up_;
  UNetStage middle_;
};
TORCH_MODULE(UNet);

/// Sinusoids of the timestep, [B] -> [B, channels] in fp32. Source: diffusers
/// get_timestep_embedding.
torch::Tensor TimestepEmbedding(const torch::Tensor& timestep, int64_t channels,
                                bool flip_sin_to_cos, double freq_shift);

}  // namespace vico::worker
