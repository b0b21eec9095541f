// Weights in the layout that oneDNN computes with. Without them LibTorch's CPU kernels lay a weight
// out anew at each call. The names of the operators are LibTorch's, which its compiler uses, too
// (torch/_inductor/mkldnn_ir.py).
#pragma once

#include <cstdint>

#include <ATen/ATen.h>

namespace vico::worker {

/// Whether this LibTorch and this processor compute faster with a packed copy: LibTorch 2.x on
/// x86-64, for fp32, and for bfloat16 where oneDNN has instructions for it.
bool CanPack(const at::Tensor& weight);

/// The copies, for weights of which CanPack() is true. A convolution has a square kernel.
///   weight [out, in, k, k] or [out, in]
at::Tensor PackConvWeight(const at::Tensor& weight, int64_t stride, int64_t padding);
at::Tensor PackLinearWeight(const at::Tensor& weight);

/// conv2d(x, weight, bias) in channels-last layout, of which x had best be. No gradients.
at::Tensor PackedConv(const at::Tensor& x, const at::Tensor& packed, const at::Tensor& bias,
                      int64_t stride, int64_t padding);

/// linear(x, weight, bias); `bias` may be undefined. No gradients.
at::Tensor PackedLinear(const at::Tensor& x, const at::Tensor& packed, const at::Tensor& bias);

/// The packed copy of one weight, as long as that is what it was.
class PackedCopy {
 public:
  void Keep(const at::Tensor& weight, at::Tensor packed);

  /// Null without a copy, after a change of the weight (of its values, type or device), and while
  /// gradients are recorded.
  const at::Tensor* Of(const at::Tensor& weight) const;

 private:
  at::Tensor packed_;
  at::Tensor source_;  // shares the memory of the weight that was packed
  int64_t version_ = 0;
};

}  // namespace vico::worker
