// The autoencoder between pictures and latents.
// Source: diffusers AutoencoderKL; names are its own. f = VaeConfig::factor().
#pragma once

#include <vector>

#include "worker/model/attention.h"
#include "worker/model/config.h"
#include "worker/model/resnet.h"

namespace vico::worker {

/// Diagonal Gaussian of the encoder, not scaled.
struct Posterior {
  torch::Tensor mean;  ///< [B, latent, h/f, w/f]
  torch::Tensor std;   ///< the same shape
};

/// Single-head attention over all positions of the middle.
class VaeAttentionImpl : public torch::nn::Module {
 public:
  VaeAttentionImpl(int64_t channels, int64_t groups);
  torch::Tensor forward(const torch::Tensor& x);  ///< [B, C, h, w] -> the same shape

 private:
  GroupNorm group_norm_{nullptr};
  Linear to_q_{nullptr}, to_k_{nullptr}, to_v_{nullptr}, to_out_{nullptr};
};
TORCH_MODULE(VaeAttention);

/// resnet, attention, resnet.
class VaeMiddleImpl : public torch::nn::Module {
 public:
  VaeMiddleImpl(int64_t channels, int64_t groups);
  torch::Tensor forward(const torch::Tensor& x);  ///< [B, C, h, w] -> the same shape

 private:
  std::vector<ResnetBlock> resnets_;
  VaeAttention attention_{nullptr};
};
TORCH_MODULE(VaeMiddle);

/// Resnets of one resolution and the resampler after them.
struct VaeStage {
  std::vector<ResnetBlock> resnets;
  Downsample down{nullptr};
  Upsample up{nullptr};
};

class VaeEncoderImpl : public torch::nn::Module {
 public:
  explicit VaeEncoderImpl(const VaeConfig& config);
  torch::Tensor forward(const torch::Tensor& picture);  ///< [B, 3, h, w] -> [B, 2 latent, h/f, w/f]

 private:
  Conv conv_in_{nullptr}, conv_out_{nullptr};
  std::vector<VaeStage> stages_;
  VaeMiddle middle_{nullptr};
  GroupNorm norm_out_{nullptr};
};
TORCH_MODULE(VaeEncoder);

class VaeDecoderImpl : public torch::nn::Module {
 public:
  explicit VaeDecoderImpl(const VaeConfig& config);
  torch::Tensor forward(const torch::Tensor& latent);  ///< [B, latent, h/f, w/f] -> [B, 3, h, w]

 private:
  Conv conv_in_{nullptr}, conv_out_{nullptr};
  std::vector<VaeStage> stages_;
  VaeMiddle middle_{nullptr};
  GroupNorm norm_out_{nullptr};
};
TORCH_MODULE(VaeDecoder);

class VaeImpl : public torch::nn::Module {
 public:
  /// Throws c10::Error when the sizes do not fit together.
  explicit VaeImpl(const VaeConfig& config);

  /// picture [B, 3, h, w] in -1..1; h and w divisible by f. The log-variance is clamped to -30..20.
  Posterior Encode(const torch::Tensor& picture);

  /// latent [B, latent, h, w] not scaled -> picture [B, 3, hf, wf], about -1..1.
  torch::Tensor Decode(const torch::Tensor& latent);

  const VaeConfig& config() const { return config_; }

 private:
  VaeConfig config_;
  VaeEncoder encoder_{nullptr};
  VaeDecoder decoder_{nullptr};
  Conv quant_conv_{nullptr}, post_quant_conv_{nullptr};
};
TORCH_MODULE(Vae);

}  // namespace vico::worker
