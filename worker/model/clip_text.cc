#include "worker/model/clip_text.h"

#include "worker/model/attention.h"

namespace vico::worker {
namespace {

torch::nn::LayerNorm Norm(const ClipTextConfig& config) {
  return torch::nn::LayerNorm(
      torch::nn::LayerNormOptions({config.hidden_size}).eps(config.layer_norm_eps));
}

}  // namespace

ClipLayerImpl::ClipLayerImpl(const ClipTextConfig& config)
    : heads_(config.num_attention_heads), quick_gelu_(config.quick_gelu) {
  const int64_t width = config.hidden_size;
  const auto self_attn = std::make_shared<ContainerImpl>();
  k_proj_ = self_attn->register_module("k_proj", torch::nn::Linear(width, width));
  v_proj_ = self_attn->register_module("v_proj", torch::nn::Linear(width, width));
  q_proj_ = self_attn->register_module("q_proj", torch::nn::Linear(width, width));
  out_proj_ = self_attn->register_module("out_proj", torch::nn::Linear(width, width));
  register_module("self_attn", self_attn);
  layer_norm1_ = register_module("layer_norm1", Norm(config));
  const auto mlp = std::make_shared<ContainerImpl>();
  fc1_ = mlp->register_module("fc1", torch::nn::Linear(width, config.intermediate_size));
  fc2_ = mlp->register_module("fc2", torch::nn::Linear(config.intermediate_size, width));
  register_module("mlp", mlp);
  layer_norm2_ = register_module("layer_norm2", Norm(config));
}

torch::Tensor ClipLayerImpl::forward(const torch::Tensor& x) {
  const auto a = layer_norm1_(x);
  const auto found = Attend(SplitHeads(q_proj_(a), heads_), SplitHeads(k_proj_(a), heads_),
                            SplitHeads(v_proj_(a), heads_), {}, /*causal=*/true);
  const auto x1 = x + out_proj_(JoinHeads(found));
  const auto h = fc1_(layer_norm2_(x1));
  return x1 + fc2_(quick_gelu_ ? h * at::sigmoid(1.702 * h) : at::gelu(h));
}

ClipTextImpl::ClipTextImpl(const ClipTextConfig& config) : config_(config) {
  const auto text_model = std::make_shared<ContainerImpl>();
  const auto embeddings = std::make_shared<ContainerImpl>();
  token_embedding_ = embeddings->register_module(
      "token_embedding", torch::nn::Embedding(config.vocab_size, config.hidden_size));
  position_embedding_ = embeddings->register_module(
      "position_embedding",
      torch::nn::Embedding(config.max_position_embeddings, config.hidden_size));
  text_model->register_module("embeddings", embeddings);
  const auto encoder = std::make_shared<ContainerImpl>();
  for (int64_t i = 0; i < config.num_hidden_layers; ++i) layers_.emplace_back(config);
  RegisterList(*encoder, "layers", layers_);
  text_model->register_module("encoder", encoder);
  final_layer_norm_ = text_model->register_module("final_layer_norm", Norm(config));
  register_module("text_model", text_model);
}

torch::Tensor ClipTextImpl::forward(const torch::Tensor& ids, const torch::Tensor& placeholder) {
  TORCH_CHECK(ids.size(1) <= config_.max_position_embeddings, "text encoder: ", ids.size(1),
              " tokens, but it has ", config_.max_position_embeddings, " positions");
  const auto learned = ids.eq(config_.vocab_size);  // [B, L]
  auto x = token_embedding_(ids.masked_fill(learned, 0));
  if (placeholder.defined()) {
    x = at::where(learned.unsqueeze(-1), placeholder.to(x.scalar_type()).view({1, 1, -1}), x);
  } else {
    TORCH_CHECK(!learned.any().item<bool>(), "text encoder: a placeholder without its embedding");
  }
  const auto positions = at::arange(ids.size(1), ids.options());
  x = x + position_embedding_(positions).unsqueeze(0);
  for (auto& layer : layers_) x = layer(x);
  return final_layer_norm_(x);
}

torch::Tensor ClipTextImpl::WordEmbedding(int64_t id) {
  TORCH_CHECK(id >= 0 && id < config_.vocab_size, "text encoder: no word ", id);
  return token_embedding_->weight.detach()[id].clone();
}

}  // namespace vico::worker
