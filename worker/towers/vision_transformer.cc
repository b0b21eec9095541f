#include "worker/towers/vision_transformer.h"

#include <utility>

#include "worker/model/attention.h"

namespace vico::worker {
namespace {

/// The module that `path` ("a.b.c") is in, made of containers where it is missing, and the last
/// part of the path.
std::pair<torch::nn::Module*, std::string> Place(torch::nn::Module& root, const std::string& path) {
  torch::nn::Module* parent = &root;
  size_t begin = 0;
  for (size_t dot = path.find('.'); dot != std::string::npos; dot = path.find('.', begin)) {
    const std::string name = path.substr(begin, dot - begin);
    const auto children = parent->named_children();
    const auto* child = children.find(name);
    parent = child != nullptr
                 ? child->get()
                 : parent->register_module(name, std::make_shared<ContainerImpl>()).get();
    begin = dot + 1;
  }
  return {parent, path.substr(begin)};
}

template <class Holder>
Holder Put(torch::nn::Module& root, const std::string& path, Holder module) {
  const auto [parent, name] = Place(root, path);
  return parent->register_module(name, std::move(module));
}

torch::Tensor PutParameter(torch::nn::Module& root, const std::string& path, torch::Tensor value) {
  const auto [parent, name] = Place(root, path);
  return parent->register_parameter(name, std::move(value));
}

torch::nn::LayerNorm LayerNormOf(const VisionConfig& config) {
  return torch::nn::LayerNorm(
      torch::nn::LayerNormOptions({config.hidden_size}).eps(config.layer_norm_eps));
}

}  // namespace

VisionLayout ClipVisionLayout() {
  return {.class_token = "vision_model.embeddings.class_embedding",
          .positions = "vision_model.embeddings.position_embedding.weight",
          .patches = "vision_model.embeddings.patch_embedding",
          .pre_norm = "vision_model.pre_layrnorm",
          .layers = "vision_model.encoder.layers",
          .norm1 = "layer_norm1",
          .query = "self_attn.q_proj",
          .key = "self_attn.k_proj",
          .value = "self_attn.v_proj",
          .out = "self_attn.out_proj",
          .norm2 = "layer_norm2",
          .fc1 = "mlp.fc1",
          .fc2 = "mlp.fc2",
          .final_norm = "vision_model.post_layernorm"};
}

VisionLayout DinoLayout() {
  return {.class_token = "embeddings.cls_token",
          .positions = "embeddings.position_embeddings",
          .patches = "embeddings.patch_embeddings.projection",
          .pre_norm = "",
          .layers = "encoder.layer",
          .norm1 = "layernorm_before",
          .query = "attention.attention.query",
          .key = "attention.attention.key",
          .value = "attention.attention.value",
          .out = "attention.output.dense",
          .norm2 = "layernorm_after",
          .fc1 = "intermediate.dense",
          .fc2 = "output.dense",
          .final_norm = "layernorm",
          .patch_bias = true,
          .batch_axis = true};
}

VisionLayerImpl::VisionLayerImpl(const VisionConfig& config, const VisionLayout& layout)
    : heads_(config.num_attention_heads), quick_gelu_(config.quick_gelu) {
  const int64_t width = config.hidden_size;
  const auto input = torch::nn::LinearOptions(width, width).bias(config.qkv_bias);
  norm1_ = Put(*this, layout.norm1, LayerNormOf(config));
  query_ = Put(*this, layout.query, torch::nn::Linear(input));
  key_ = Put(*this, layout.key, torch::nn::Linear(input));
  value_ = Put(*this, layout.value, torch::nn::Linear(input));
  out_ = Put(*this, layout.out, torch::nn::Linear(width, width));
  norm2_ = Put(*this, layout.norm2, LayerNormOf(config));
  fc1_ = Put(*this, layout.fc1, torch::nn::Linear(width, config.intermediate_size));
  fc2_ = Put(*this, layout.fc2, torch::nn::Linear(config.intermediate_size, width));
}

torch::Tensor VisionLayerImpl::forward(const torch::Tensor& x) {
  const auto a = norm1_(x);
  const auto found = Attend(SplitHeads(query_(a), heads_), SplitHeads(key_(a), heads_),
                            SplitHeads(value_(a), heads_));
  const auto x1 = x + out_(JoinHeads(found));
  const auto h = fc1_(norm2_(x1));
  return x1 + fc2_(quick_gelu_ ? h * at::sigmoid(1.702 * h) : at::gelu(h));
}

VisionTransformerImpl::VisionTransformerImpl(const VisionConfig& config, const VisionLayout& layout)
    : image_size_(config.image_size) {
  const int64_t width = config.hidden_size;
  const int64_t side = config.image_size / config.patch_size;
  const int64_t tokens = side * side + 1;
  const bool batch = layout.batch_axis;
  class_token_ = PutParameter(
      *this, layout.class_token,
      torch::zeros(batch ? std::vector<int64_t>{1, 1, width} : std::vector<int64_t>{width}));
  positions_ = PutParameter(*this, layout.positions,
                            torch::zeros(batch ? std::vector<int64_t>{1, tokens, width}
                                               : std::vector<int64_t>{tokens, width}));
  patches_ = Put(*this, layout.patches,
                 torch::nn::Conv2d(torch::nn::Conv2dOptions(3, width, config.patch_size)
                                       .stride(config.patch_size)
                                       .bias(layout.patch_bias)));
  if (!layout.pre_norm.empty()) pre_norm_ = Put(*this, layout.pre_norm, LayerNormOf(config));
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) {
    layers_.push_back(
        Put(*this, layout.layers + "." + std::to_string(i), VisionLayer(config, layout)));
  }
  final_norm_ = Put(*this, layout.final_norm, LayerNormOf(config));
}

torch::Tensor VisionTransformerImpl::forward(const torch::Tensor& pictures) {
  TORCH_CHECK(pictures.dim() == 4 && pictures.size(1) == 3 && pictures.size(2) == image_size_ &&
                  pictures.size(3) == image_size_,
              "vision transformer: pictures must be [B, 3, ", image_size_, ", ", image_size_,
              "], got ", pictures.sizes());
  const auto patches = patches_(pictures).flatten(2).transpose(1, 2);  // [B, N - 1, D]
  const auto token = class_token_.view({1, 1, -1}).expand({pictures.size(0), -1, -1});
  const auto tokens = at::cat({token, patches}, 1);  // [B, N, D]
  auto x = tokens + positions_.view({-1, tokens.size(2)});
  if (!pre_norm_.is_empty()) x = pre_norm_(x);
  for (auto& layer : layers_) x = layer(x);
  return final_norm_(x.select(1, 0));
}

}  // namespace vico::worker
