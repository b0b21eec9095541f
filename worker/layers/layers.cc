#include "worker/layers/layers.h"

namespace vico::worker {
namespace {

template <typename Layer>
int64_t Packed(Layer* layer) {
  if (layer == nullptr || !CanPack(layer->weight)) return 0;
  layer->Pack();
  return static_cast<int64_t>(layer->weight.nbytes());
}

}  // namespace

ConvImpl::ConvImpl(int64_t in_channels, int64_t out_channels, int64_t kernel, int64_t stride,
                   int64_t padding)
    : torch::nn::Conv2dImpl(torch::nn::Conv2dOptions(in_channels, out_channels, kernel)
                                .stride(stride)
                                .padding(padding)),
      stride_(stride),
      padding_(padding),
      pointwise_(kernel == 1 && stride == 1 && padding == 0) {}

torch::Tensor ConvImpl::forward(const torch::Tensor& x) {
  const at::Tensor* packed = packed_.Of(weight);
  if (packed == nullptr) return torch::nn::Conv2dImpl::forward(x);
  if (!pointwise_) return PackedConv(x, *packed, bias, stride_, padding_);
  return PackedLinear(x.permute({0, 2, 3, 1}), *packed, bias).permute({0, 3, 1, 2});
}

void ConvImpl::Pack() {
  packed_.Keep(weight, pointwise_ ? PackLinearWeight(weight.flatten(1))
                                  : PackConvWeight(weight, stride_, padding_));
}

torch::Tensor LinearImpl::forward(const torch::Tensor& x) {
  const at::Tensor* packed = packed_.Of(weight);
  if (packed != nullptr) return PackedLinear(x, *packed, bias);
  return torch::nn::LinearImpl::forward(x);
}

void LinearImpl::Pack() { packed_.Keep(weight, PackLinearWeight(weight)); }

int64_t PackWeights(torch::nn::Module& network) {
  const at::NoGradGuard no_grad;
  int64_t bytes = 0;
  for (const auto& module : network.modules()) {
    bytes += Packed(module->as<ConvImpl>()) + Packed(module->as<LinearImpl>());
  }
  return bytes;
}

}  // namespace vico::worker
