#include "worker/model/unet.h"

#include <cmath>

namespace vico::worker {
torch::Tensor TimestepEmbedding(const torch::Tensor& timestep, int64_t channels,
                                bool flip_sin_to_cos, double freq_shift) {
  const int64_t half = channels / 2;
  const auto index = at::arange(half, timestep.options().dtype(at::kFloat));
  const auto frequency =
      at::exp(index * (-std::log(10000.0) / (static_cast<double>(half) - freq_shift)));
  const auto angle = timestep.to(at::kFloat).unsqueeze(1) * frequency.unsqueeze(0);  // [B, half]
  return flip_sin_to_cos ? at::cat({angle.cos(), angle.sin()}, 1)
                         : at::cat({angle.sin(), angle.cos()}, 1);
}

SpatialTransformerImpl::SpatialTransformerImpl(int64_t channels, int64_t heads,
                                               const UNetConfig& config)
    : linear_(config.use_linear_projection) {
  norm_ = register_module("norm", GroupNorm(config.norm_num_groups, channels, 1e-6));
  if (linear_) {
    linear_in_ = register_module("proj_in", Linear(channels, channels));
  } else {
    conv_in_ = register_module("proj_in", SameConv(channels, channels, 1));
  }
  block_ = TransformerBlock(channels, config.cross_attention_dim, heads);
  RegisterList(*this, "transformer_blocks", std::vector{block_});
  if (linear_) {
    linear_out_ = register_module("proj_out", Linear(channels, channels));
  } else {
    conv_out_ = register_module("proj_out", SameConv(channels, channels, 1));
  }
}

torch::Tensor SpatialTransformerImpl::forward(const torch::Tensor& x, const torch::Tensor& text,
                                              int64_t index, TransformerVisitor* visitor) {
  const auto to_tokens = [](const torch::Tensor& image) {  // [B, d, h, w] -> [B, N, d]
    return image.flatten(2).transpose(1, 2);
  };
  const auto to_image = [&](const torch::Tensor& tokens) {
    return tokens.transpose(1, 2).reshape(x.sizes());
  };
  const auto normed = norm_(x);
  auto tokens = linear_ ? linear_in_(to_tokens(normed)) : to_tokens(conv_in_(normed));
  torch::Tensor probabilities;
  if (visitor != nullptr && visitor->WantsProbabilities(index)) {
    std::tie(tokens, probabilities) = block_->WithProbabilities(tokens, text);
  } else {
    tokens = block_(tokens, text);
  }
  if (visitor != nullptr) {
    tokens = visitor->Visit(index, tokens, probabilities);
    if (visitor->IsLast(index)) return {};
  }
  return x + (linear_ ? to_image(linear_out_(tokens)) : conv_out_(to_image(tokens)));
}

UNetStage UNetImpl::AddStage(const std::string& name, const std::vector<ResnetConfig>& resnets,
                             int64_t attention_count, int64_t heads) {
  UNetStage stage;
  stage.first_index = static_cast<int64_t>(sites_.size());
  for (const auto& resnet : resnets) stage.resnets.emplace_back(resnet);
  for (int64_t i = 0; i < attention_count; ++i) {
    const int64_t channels = resnets[static_cast<size_t>(i)].out_channels;
    stage.attentions.emplace_back(channels, heads, config_);
    sites_.push_back({name + ".attentions." + std::to_string(i), channels, heads});
  }
  return stage;
}

UNetImpl::UNetImpl(const UNetConfig& config) : config_(config) {
  const auto& channels = config.block_out_channels;
  const size_t levels = channels.size();
  TORCH_CHECK(levels > 0 && config.down_attention.size() == levels &&
                  config.up_attention.size() == levels && config.heads.size() == levels,
              "U-Net: every resolution needs its channels, attention flags and heads");
  const int64_t time_channels = 4 * channels[0];
  const auto resnet = [&](int64_t in, int64_t out) {
    return ResnetConfig{in, out, time_channels, config.norm_num_groups, config.norm_eps};
  };
  const auto register_stage = [](const UNetStage& stage) {
    auto block = std::make_shared<ContainerImpl>();
    RegisterList(*block, "resnets", stage.resnets);
    if (!stage.attentions.empty()) RegisterList(*block, "attentions", stage.attentions);
    if (stage.down) RegisterList(*block, "downsamplers", std::vector{stage.down});
    if (stage.up) RegisterList(*block, "upsamplers", std::vector{stage.up});
    return block;
  };

  conv_in_ = register_module("conv_in", SameConv(config.in_channels, channels[0], 3));
  const auto time_embedding = std::make_shared<ContainerImpl>();
  time_1_ = time_embedding->register_module("linear_1", Linear(channels[0], time_channels));
  time_2_ = time_embedding->register_module("linear_2", Linear(time_channels, time_channels));
  register_module("time_embedding", time_embedding);

  torch::nn::ModuleList down_blocks;
  for (size_t i = 0; i < levels; ++i) {
    std::vector<ResnetConfig> resnets;
    for (int64_t j = 0; j < config.layers_per_block; ++j) {
      resnets.push_back(resnet(j == 0 ? channels[i == 0 ? 0 : i - 1] : channels[i], channels[i]));
    }
    auto stage = AddStage("down_blocks." + std::to_string(i), resnets,
                          config.down_attention[i] ? config.layers_per_block : 0, config.heads[i]);
    if (i + 1 < levels) stage.down = Downsample(channels[i], Padding::kSymmetric);
    down_blocks->push_back(register_stage(stage));
    down_.push_back(stage);
  }
  register_module("down_blocks", down_blocks);

  const int64_t deepest = channels.back();
  middle_ = AddStage("mid_block", {resnet(deepest, deepest), resnet(deepest, deepest)}, 1,
                     config.heads.back());
  register_module("mid_block", register_stage(middle_));
  encoder_and_middle_ = static_cast<int64_t>(sites_.size());

  torch::nn::ModuleList up_blocks;
  int64_t previous = deepest;
  for (size_t i = 0; i < levels; ++i) {
    const size_t level = levels - 1 - i;
    const int64_t out = channels[level];
    const int64_t skip_last = channels[level == 0 ? 0 : level - 1];
    std::vector<ResnetConfig> resnets;
    for (int64_t j = 0; j <= config.layers_per_block; ++j) {
      const int64_t skip = j == config.layers_per_block ? skip_last : out;
      resnets.push_back(resnet((j == 0 ? previous : out) + skip, out));
    }
    auto stage =
        AddStage("up_blocks." + std::to_string(i), resnets,
                 config.up_attention[i] ? config.layers_per_block + 1 : 0, config.heads[level]);
    if (i + 1 < levels) stage.up = Upsample(out);
    up_blocks->push_back(register_stage(stage));
    up_.push_back(stage);
    previous = out;
  }
  register_module("up_blocks", up_blocks);

  norm_out_ = register_module("conv_norm_out",
                              GroupNorm(config.norm_num_groups, channels[0], config.norm_eps));
  conv_out_ = register_module("conv_out", SameConv(channels[0], config.out_channels, 3));
}

torch::Tensor UNetImpl::forward(const torch::Tensor& latent, const torch::Tensor& timestep,
                                const torch::Tensor& text, TransformerVisitor* visitor) {
  const auto dtype = conv_in_->weight.scalar_type();
  const auto context = text.to(dtype);
  const auto sinusoids = TimestepEmbedding(timestep, config_.block_out_channels[0],
                                           config_.flip_sin_to_cos, config_.freq_shift)
                             .to(dtype);
  const auto time = time_2_(at::silu(time_1_(sinusoids)));
  const auto attend = [&](UNetStage& stage, size_t i, const torch::Tensor& h) {
    if (i >= stage.attentions.size()) return h;
    return stage.attentions[i](h, context, stage.first_index + static_cast<int64_t>(i), visitor);
  };

  auto h = conv_in_(latent.to(dtype));
  std::vector<torch::Tensor> skips = {h};
  for (auto& stage : down_) {
    for (size_t i = 0; i < stage.resnets.size(); ++i) {
      h = attend(stage, i, stage.resnets[i](h, time));
      if (!h.defined()) return {};
      skips.push_back(h);
    }
    if (stage.down) {
      h = stage.down(h);
      skips.push_back(h);
    }
  }
  for (size_t i = 0; i < middle_.resnets.size(); ++i) {
    h = attend(middle_, i, middle_.resnets[i](h, time));
    if (!h.defined()) return {};
  }
  for (auto& stage : up_) {
    for (size_t i = 0; i < stage.resnets.size(); ++i) {
      h = attend(stage, i, stage.resnets[i](at::cat({h, skips.back()}, 1), time));
      if (!h.defined()) return {};
      skips.pop_back();
    }
    if (stage.up) h = stage.up(h);
  }
  return conv_out_(norm_out_->Silu(h));
}

}  // namespace vico::worker
