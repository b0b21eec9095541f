// Attention, feed-forward and the transformer block of text and image attention.
// Source: diffusers BasicTransformerBlock = CompVis ldm/modules/attention.py; names are theirs.
// B batch, N query tokens, M key tokens, d channels, c channels of the context, H heads.
#pragma once

#include <utility>
#include <vector>

#include "worker/layers/layers.h"
#include "worker/model/torch.h"

namespace vico::worker {

/// softmax(q k^T / sqrt(d/H) + mask) v with the fused kernel of LibTorch 2.x, in plain steps
/// on 1.13.
///   q [B, H, N, d/H], k and v [B, H, M, d/H]
///   mask  undefined, or bool (true = may attend) or additive float, broadcastable to [B, H, N, M]
torch::Tensor Attend(const torch::Tensor& q, const torch::Tensor& k, const torch::Tensor& v,
                     const torch::Tensor& mask = {}, bool causal = false);

/// [B, L, d] -> [B, H, L, d/H], and back.
torch::Tensor SplitHeads(const torch::Tensor& x, int64_t heads);
torch::Tensor JoinHeads(const torch::Tensor& x);

/// A module that only groups others under a name of the checkpoint.
struct ContainerImpl : torch::nn::Module {};

/// Registers `modules` as parent.name.0, parent.name.1, ...
template <class Holder>
void RegisterList(torch::nn::Module& parent, const std::string& name,
                  const std::vector<Holder>& modules) {
  torch::nn::ModuleList list;
  for (const auto& module : modules) list->push_back(module);
  parent.register_module(name, list);
}

class AttentionImpl : public torch::nn::Module {
 public:
  AttentionImpl(int64_t channels, int64_t context_channels, int64_t heads);

  /// Queries from x [B, N, d]; keys and values from context [B, M, c] or, shared by all rows,
  /// [1, M, c]; mask as for Attend(). Returns [B, N, d].
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& context,
                        const torch::Tensor& mask = {});

  /// forward() without a mask, with the probabilities [B, H, N, M].
  std::pair<torch::Tensor, torch::Tensor> WithProbabilities(const torch::Tensor& x,
                                                            const torch::Tensor& context);

 private:
  int64_t heads_;
  Linear to_q_{nullptr}, to_k_{nullptr}, to_v_{nullptr}, to_out_{nullptr};
};
TORCH_MODULE(Attention);

/// GEGLU: W_f (u * gelu(s)) with [u | s] = W_p x, gelu exact.
class FeedForwardImpl : public torch::nn::Module {
 public:
  explicit FeedForwardImpl(int64_t channels);
  torch::Tensor forward(const torch::Tensor& x);  ///< [B, N, d] -> [B, N, d]

 private:
  Linear proj_{nullptr}, out_{nullptr};
};
TORCH_MODULE(FeedForward);

/// x += SA(LN1 x); x += CA(LN2 x, context); x += FF(LN3 x).
class TransformerBlockImpl : public torch::nn::Module {
 public:
  TransformerBlockImpl(int64_t channels, int64_t context_channels, int64_t heads);

  /// x [B, N, d], context [B, M, c]; `mask` acts on the second attention only. Returns [B, N, d].
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& context,
                        const torch::Tensor& mask = {});

  /// forward() with the second attention's probabilities [B, H, N, M].
  std::pair<torch::Tensor, torch::Tensor> WithProbabilities(const torch::Tensor& x,
                                                            const torch::Tensor& context);

 private:
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr}, norm3_{nullptr};
  Attention attn1_{nullptr}, attn2_{nullptr};
  FeedForward ff_{nullptr};
};
TORCH_MODULE(TransformerBlock);

}  // namespace vico::worker
