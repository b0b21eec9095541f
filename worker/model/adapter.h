// The trained parameters: the placeholder's embedding and one image-attention block for each site.
// Source: ViCo, arXiv:2306.00971. D width of the text encoder, d of a site.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "worker/model/attention.h"
#include "worker/model/unet.h"

namespace vico::worker {

/// A block's initial weights: the paper's (LibTorch's default, which disturbs the base model); zero
/// output projections, so that it has no effect before the first step; or the latter with a copy of
/// the base model's block at the site (CopySelfAttention).
enum class BlockStart { kDefault, kZero, kSelfAttention };

class AdapterImpl : public torch::nn::Module {
 public:
  /// `sites` are indices into `transformers`, ascending. The weights are a function of `seed`.
  AdapterImpl(const std::vector<TransformerSite>& transformers, std::vector<int64_t> sites,
              int64_t text_width, uint64_t seed, BlockStart start);

  torch::Tensor& placeholder() { return placeholder_; }  ///< [D]
  const std::vector<int64_t>& sites() const { return sites_; }
  std::vector<std::string> site_names() const;
  TransformerBlock& block(size_t i) { return blocks_.at(i); }  ///< of sites()[i]

  /// The parameters of the blocks, without the placeholder.
  std::vector<torch::Tensor> BlockParameters() const;

  /// Both attentions of every block become the self-attention of the base model's block at its
  /// site, with its layer norms and the first layer of its feed-forward network. Output projections
  /// stay.
  void CopySelfAttention(const torch::nn::Module& unet);

  /// Every parameter under its name in an adapter file: "placeholder_embedding" [1, D] and
  /// "<site>.image_cross_attention.<leaf>". The tensors share memory with the parameters.
  std::map<std::string, torch::Tensor> NamedTensors() const;

 private:
  std::vector<int64_t> sites_;
  std::vector<std::string> names_;
  torch::Tensor placeholder_;
  std::vector<TransformerBlock> blocks_;
};
TORCH_MODULE(Adapter);

}  // namespace vico::worker
