// Residual block and resamplers shared by the U-Net and the autoencoder.
// Source: diffusers ResnetBlock2D, Downsample2D, Upsample2D; names are theirs.
#pragma once

#include "worker/layers/group_norm.h"
#include "worker/layers/layers.h"
#include "worker/model/attention.h"

namespace vico::worker {

struct ResnetConfig {
  int64_t in_channels = 0;
  int64_t out_channels = 0;
  int64_t time_channels = 0;  ///< 0: no time embedding (autoencoder)
  int64_t groups = 32;
  double eps = 1e-5;
};

class ResnetBlockImpl : public torch::nn::Module {
 public:
  explicit ResnetBlockImpl(const ResnetConfig& config);

  /// x [B, in, h, w], time [B, time_channels] (undefined without one) -> [B, out, h, w].
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& time = {});

 private:
  GroupNorm norm1_{nullptr}, norm2_{nullptr};
  Conv conv1_{nullptr}, conv2_{nullptr}, conv_shortcut_{nullptr};
  Linear time_emb_proj_{nullptr};
};
TORCH_MODULE(ResnetBlock);

/// Where the zeros of a stride-two convolution go: all round (U-Net), or right and bottom only
/// (autoencoder).
enum class Padding { kSymmetric, kRightBottom };

/// 3x3 convolution with stride 2: [B, C, h, w] -> [B, C, h/2, w/2].
class DownsampleImpl : public torch::nn::Module {
 public:
  DownsampleImpl(int64_t channels, Padding padding);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  Padding padding_;
  Conv conv_{nullptr};
};
TORCH_MODULE(Downsample);

/// Nearest x2, then a 3x3 convolution: [B, C, h, w] -> [B, C, 2h, 2w].
class UpsampleImpl : public torch::nn::Module {
 public:
  explicit UpsampleImpl(int64_t channels);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  Conv conv_{nullptr};
};
TORCH_MODULE(Upsample);

/// A square convolution with stride 1 that keeps the size.
Conv SameConv(int64_t in_channels, int64_t out_channels, int64_t kernel);

}  // namespace vico::worker
