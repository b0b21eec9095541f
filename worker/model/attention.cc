#include "worker/model/attention.h"

#include <cmath>

#include <torch/version.h>

namespace vico::worker {

torch::Tensor Attend(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                     const torch::Tensor& mask, bool causal) {
#if TORCH_VERSION_MAJOR >= 2
  return at::scaled_dot_product_attention(
      q, k, v, mask.defined() ? std::optional<torch::Tensor>(mask) : std::nullopt, 0.0, causal);
#else
  auto score = q.matmul(k.transpose(-2, -1)) / std::sqrt(static_cast<double>(q.size(-1)));
  const double hidden = -std::numeric_limits<double>::infinity();
  if (causal) {
    const auto visible = at::ones({q.size(-2), k.size(-2)}, q.options().dtype(at::kBool)).tril();
    score = score.masked_fill(visible.logical_not(), hidden);
  }
  if (mask.defined()) {
    score = mask.scalar_type() == at::kBool ? score.masked_fill(mask.logical_not(), hidden)
                                            : score + mask;
  }
  return score.softmax(-1).matmul(v);
#endif
}

torch::Tensor SplitHeads(const torch::Tensor& x, int64_t heads) {
  return x.view({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

torch::Tensor JoinHeads(const torch::Tensor& x) { return x.transpose(1, 2).flatten(2); }

AttentionImpl::AttentionImpl(int64_t channels, int64_t context_channels, int64_t heads)
    : heads_(heads) {
  TORCH_CHECK(channels % heads == 0, "attention: ", heads, " heads do not divide ", channels,
              " channels");
  const auto plain = [](int64_t in, int64_t out) {
    return Linear(torch::nn::LinearOptions(in, out).bias(false));
  };
  to_q_ = register_module("to_q", plain(channels, channels));
  to_k_ = register_module("to_k", plain(context_channels, channels));
  to_v_ = register_module("to_v", plain(context_channels, channels));
  to_out_ = Linear(channels, channels);
  RegisterList(*this, "to_out", std::vector{to_out_});
}

torch::Tensor AttentionImpl::forward(const torch::Tensor& x, const torch::Tensor& context,
                                     const torch::Tensor& mask) {
  const auto q = SplitHeads(to_q_(x), heads_);
  const auto for_all_rows = [&](const torch::Tensor& y) {
    return y.expand({x.size(0), -1, -1, -1});
  };
  const auto k = for_all_rows(SplitHeads(to_k_(context), heads_));
  const auto v = for_all_rows(SplitHeads(to_v_(context), heads_));
  return to_out_(JoinHeads(Attend(q, k, v, mask)));
}

std::pair<torch::Tensor, torch::Tensor> AttentionImpl::WithProbabilities(
    const torch::Tensor& x, const torch::Tensor& context) {
  const auto q = SplitHeads(to_q_(x), heads_);
  const auto k = SplitHeads(to_k_(context), heads_);
  const auto v = SplitHeads(to_v_(context), heads_);
  const auto scale = 1.0 / std::sqrt(static_cast<double>(q.size(-1)));
  const auto probabilities =
      q.matmul(k.transpose(-2, -1)).mul(scale).softmax(-1, at::kFloat);  // [B, H, N, M]
  return {to_out_(JoinHeads(probabilities.to(v.scalar_type()).matmul(v))), probabilities};
}

FeedForwardImpl::FeedForwardImpl(int64_t channels) {
  struct GegluImpl : torch::nn::Module {};
  const auto geglu = std::make_shared<GegluImpl>();
  proj_ = geglu->register_module("proj", Linear(channels, 8 * channels));
  out_ = Linear(4 * channels, channels);
  torch::nn::ModuleList net;
  net->push_back(geglu);
  net->push_back(std::make_shared<GegluImpl>());  // index 1 is a dropout in the reference
  net->push_back(out_);
  register_module("net", net);
}

torch::Tensor FeedForwardImpl::forward(const torch::Tensor& x) {
  const auto halves = proj_(x).chunk(2, -1);
  return out_(halves[0] * at::gelu(halves[1]));
}

TransformerBlockImpl::TransformerBlockImpl(int64_t channels, int64_t context_channels,
                                           int64_t heads) {
  const auto norm = [&] { return torch::nn::LayerNorm(torch::nn::LayerNormOptions({channels})); };
  norm1_ = register_module("norm1", norm());
  attn1_ = register_module("attn1", Attention(channels, channels, heads));
  norm2_ = register_module("norm2", norm());
  attn2_ = register_module("attn2", Attention(channels, context_channels, heads));
  norm3_ = register_module("norm3", norm());
  ff_ = register_module("ff", FeedForward(channels));
}

torch::Tensor TransformerBlockImpl::forward(const torch::Tensor& x, const torch::Tensor& context,
                                            const torch::Tensor& mask) {
  const auto a = norm1_(x);
  const auto x1 = x + attn1_(a, a);
  const auto x2 = x1 + attn2_(norm2_(x1), context, mask);
  return x2 + ff_(norm3_(x2));
}

std::pair<torch::Tensor, torch::Tensor> TransformerBlockImpl::WithProbabilities(
    const torch::Tensor& x, const torch::Tensor& context) {
  const auto a = norm1_(x);
  const auto x1 = x + attn1_(a, a);
  const auto [found, probabilities] = attn2_->WithProbabilities(norm2_(x1), context);
  const auto x2 = x1 + found;
  return {x2 + ff_(norm3_(x2)), probabilities};
}

}  // namespace vico::worker
