#include "worker/model/vae.h"

namespace vico::worker {
namespace {

constexpr double kEps = 1e-6;

ResnetConfig Resnet(int64_t in, int64_t out, int64_t groups) { return {in, out, 0, groups, kEps}; }

std::shared_ptr<ContainerImpl> AsBlock(const VaeStage& stage) {
  auto block = std::make_shared<ContainerImpl>();
  RegisterList(*block, "resnets", stage.resnets);
  if (stage.down) RegisterList(*block, "downsamplers", std::vector{stage.down});
  if (stage.up) RegisterList(*block, "upsamplers", std::vector{stage.up});
  return block;
}

torch::Tensor Run(std::vector<VaeStage>& stages, torch::Tensor h) {
  for (auto& stage : stages) {
    for (auto& resnet : stage.resnets) h = resnet(h);
    if (stage.down) h = stage.down(h);
    if (stage.up) h = stage.up(h);
  }
  return h;
}

}  // namespace

VaeAttentionImpl::VaeAttentionImpl(int64_t channels, int64_t groups) {
  group_norm_ = register_module("group_norm", GroupNorm(groups, channels, kEps));
  to_q_ = register_module("to_q", Linear(channels, channels));
  to_k_ = register_module("to_k", Linear(channels, channels));
  to_v_ = register_module("to_v", Linear(channels, channels));
  to_out_ = Linear(channels, channels);
  RegisterList(*this, "to_out", std::vector{to_out_});
}

torch::Tensor VaeAttentionImpl::forward(const torch::Tensor& x) {
  const auto tokens = group_norm_(x).flatten(2).transpose(1, 2);  // [B, N, C]
  const auto one_head = [](const torch::Tensor& t) { return t.unsqueeze(1); };
  const auto found =
      Attend(one_head(to_q_(tokens)), one_head(to_k_(tokens)), one_head(to_v_(tokens)));
  return x + to_out_(found.squeeze(1)).transpose(1, 2).reshape(x.sizes());
}

VaeMiddleImpl::VaeMiddleImpl(int64_t channels, int64_t groups) {
  for (int i = 0; i < 2; ++i) resnets_.emplace_back(Resnet(channels, channels, groups));
  RegisterList(*this, "resnets", resnets_);
  attention_ = VaeAttention(channels, groups);
  RegisterList(*this, "attentions", std::vector{attention_});
}

torch::Tensor VaeMiddleImpl::forward(const torch::Tensor& x) {
  return resnets_[1](attention_(resnets_[0](x)));
}

VaeEncoderImpl::VaeEncoderImpl(const VaeConfig& config) {
  const auto& channels = config.block_out_channels;
  const int64_t groups = config.norm_num_groups;
  conv_in_ = register_module("conv_in", SameConv(config.in_channels, channels[0], 3));
  torch::nn::ModuleList blocks;
  int64_t width = channels[0];
  for (size_t i = 0; i < channels.size(); ++i) {
    VaeStage stage;
    for (int64_t j = 0; j < config.layers_per_block; ++j) {
      stage.resnets.emplace_back(Resnet(width, channels[i], groups));
      width = channels[i];
    }
    if (i + 1 < channels.size()) stage.down = Downsample(width, Padding::kRightBottom);
    blocks->push_back(AsBlock(stage));
    stages_.push_back(stage);
  }
  register_module("down_blocks", blocks);
  middle_ = register_module("mid_block", VaeMiddle(width, groups));
  norm_out_ = register_module("conv_norm_out", GroupNorm(groups, width, kEps));
  conv_out_ = register_module("conv_out", SameConv(width, 2 * config.latent_channels, 3));
}

torch::Tensor VaeEncoderImpl::forward(const torch::Tensor& picture) {
  return conv_out_(norm_out_->Silu(middle_(Run(stages_, conv_in_(picture)))));
}

VaeDecoderImpl::VaeDecoderImpl(const VaeConfig& config) {
  const auto& channels = config.block_out_channels;
  const int64_t groups = config.norm_num_groups;
  int64_t width = channels.back();
  conv_in_ = register_module("conv_in", SameConv(config.latent_channels, width, 3));
  middle_ = register_module("mid_block", VaeMiddle(width, groups));
  torch::nn::ModuleList blocks;
  for (size_t i = channels.size(); i-- > 0;) {
    VaeStage stage;
    for (int64_t j = 0; j <= config.layers_per_block; ++j) {
      stage.resnets.emplace_back(Resnet(width, channels[i], groups));
      width = channels[i];
    }
    if (i > 0) stage.up = Upsample(width);
    blocks->push_back(AsBlock(stage));
    stages_.push_back(stage);
  }
  register_module("up_blocks", blocks);
  norm_out_ = register_module("conv_norm_out", GroupNorm(groups, width, kEps));
  conv_out_ = register_module("conv_out", SameConv(width, config.out_channels, 3));
}

torch::Tensor VaeDecoderImpl::forward(const torch::Tensor& latent) {
  return conv_out_(norm_out_->Silu(Run(stages_, middle_(conv_in_(latent)))));
}

VaeImpl::VaeImpl(const VaeConfig& config) : config_(config) {
  const int64_t latent = config.latent_channels;
  encoder_ = register_module("encoder", VaeEncoder(config));
  decoder_ = register_module("decoder", VaeDecoder(config));
  quant_conv_ = register_module("quant_conv", SameConv(2 * latent, 2 * latent, 1));
  post_quant_conv_ = register_module("post_quant_conv", SameConv(latent, latent, 1));
}

Posterior VaeImpl::Encode(const torch::Tensor& picture) {
  const auto moments = quant_conv_(encoder_(picture)).chunk(2, 1);
  return {moments[0], moments[1].clamp(-30.0, 20.0).mul(0.5).exp()};
}

torch::Tensor VaeImpl::Decode(const torch::Tensor& latent) {
  return decoder_(post_quant_conv_(latent));
}

}  // namespace vico::worker
