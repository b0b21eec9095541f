// Group norm, exact in each layout and precision.
#pragma once

#include <cstdint>

#include <torch/nn/cloneable.h>
#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/types.h>

namespace vico::worker {

/// Computes in fp32 also for half-precision input, as LibTorch 1.13's bfloat16 kernel is wrong on
/// CPUs. Without gradients on a CPU, channels-last input goes through loops of our own, which take
/// the mean first: LibTorch's kernel for that layout takes mean and variance in one pass, and its
/// result is off by 0.002 when the mean is 30 standard deviations.
class GroupNormImpl : public torch::nn::Module {
 public:
  GroupNormImpl(int64_t groups, int64_t channels, double eps);
  torch::Tensor forward(const torch::Tensor& x);  ///< [B, channels, ...] -> the same shape

  /// silu(forward(x)).
  torch::Tensor Silu(const torch::Tensor& x);

 private:
  int64_t groups_;
  double eps_;
  torch::Tensor weight_, bias_;
};
TORCH_MODULE(GroupNorm);

}  // namespace vico::worker
