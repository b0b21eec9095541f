#include "worker/model/resnet.h"

namespace vico::worker {

Conv SameConv(int64_t in_channels, int64_t out_channels, int64_t kernel) {
  return Conv(in_channels, out_channels, kernel, /*stride=*/1, kernel / 2);
}

ResnetBlockImpl::ResnetBlockImpl(const ResnetConfig& config) {
  const int64_t in = config.in_channels;
  const int64_t out = config.out_channels;
  norm1_ = register_module("norm1", GroupNorm(config.groups, in, config.eps));
  conv1_ = register_module("conv1", SameConv(in, out, 3));
  if (config.time_channels > 0) {
    time_emb_proj_ = register_module("time_emb_proj", Linear(config.time_channels, out));
  }
  norm2_ = register_module("norm2", GroupNorm(config.groups, out, config.eps));
  conv2_ = register_module("conv2", SameConv(out, out, 3));
  if (in != out) conv_shortcut_ = register_module("conv_shortcut", SameConv(in, out, 1));
}

torch::Tensor ResnetBlockImpl::forward(const torch::Tensor& x, const torch::Tensor& time) {
  auto h = conv1_(norm1_->Silu(x));
  if (time_emb_proj_) h = h + time_emb_proj_(at::silu(time)).unsqueeze(-1).unsqueeze(-1);
  h = conv2_(norm2_->Silu(h));
  return (conv_shortcut_ ? conv_shortcut_(x) : x) + h;
}

DownsampleImpl::DownsampleImpl(int64_t channels, Padding padding) : padding_(padding) {
  const int64_t all_round = padding == Padding::kSymmetric ? 1 : 0;
  conv_ = register_module("conv", Conv(channels, channels, 3, /*stride=*/2, all_round));
}

torch::Tensor DownsampleImpl::forward(const torch::Tensor& x) {
  return conv_(padding_ == Padding::kRightBottom ? at::constant_pad_nd(x, {0, 1, 0, 1}) : x);
}

UpsampleImpl::UpsampleImpl(int64_t channels) {
  conv_ = register_module("conv", SameConv(channels, channels, 3));
}

torch::Tensor UpsampleImpl::forward(const torch::Tensor& x) {
  return conv_(at::upsample_nearest2d(x, {2 * x.size(2), 2 * x.size(3)}));
}

}  // namespace vico::worker
