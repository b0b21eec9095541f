// Convolution and linear layer of the networks: LibTorch's modules, with a packed copy of the
// weight for inference on a CPU (packed.h).
#pragma once

#include <cstdint>

#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/pimpl.h>

#include "worker/layers/packed.h"

namespace vico::worker {

/// A convolution with a square kernel and a bias: [B, in, h, w] -> [B, out, h', w'].
class ConvImpl : public torch::nn::Conv2dImpl {
 public:
  ConvImpl(int64_t in_channels, int64_t out_channels, int64_t kernel, int64_t stride,
           int64_t padding);
  torch::Tensor forward(const torch::Tensor& x);

  void Pack();  ///< for a weight of which CanPack() is true

 private:
  int64_t stride_, padding_;
  bool pointwise_;  // is packed as a linear layer: in fp32 oneDNN's 1x1 convolution is slower
  PackedCopy packed_;
};
TORCH_MODULE(Conv);

/// x W^T + b: [..., in] -> [..., out].
class LinearImpl : public torch::nn::LinearImpl {
 public:
  using torch::nn::LinearImpl::LinearImpl;
  torch::Tensor forward(const torch::Tensor& x);

  void Pack();  ///< for a weight of which CanPack() is true

 private:
  PackedCopy packed_;
};
TORCH_MODULE(Linear);

/// Makes packed copies of the weights of all convolutions and linear layers in `network` that can
/// have them, and returns the bytes that the copies take. Passes without gradients then use them; a
/// layer whose weight changes goes on with the weight. Training uses the weights.
///
/// In bfloat16 a convolution with a larger kernel than 1x1 keeps its bits; other results change by
/// rounding.
int64_t PackWeights(torch::nn::Module& network);

}  // namespace vico::worker
