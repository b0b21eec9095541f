#include "worker/model/adapter.h"

#include <array>
#include <cmath>
#include <utility>

#include <ATen/CPUGeneratorImpl.h>

namespace vico::worker {
namespace {

// nn.Linear's default: weight and bias uniform in +-1/sqrt(fan_in). Layer norms stay 1 and 0.
void Initialize(torch::nn::Module& block, const at::Generator& generator, BlockStart start) {
  const at::NoGradGuard no_grad;
  const auto parameters = block.named_parameters();
  for (const auto& item : parameters) {
    const std::string& name = item.key();
    const bool is_weight = name.ends_with(".weight");
    const std::string module = name.substr(0, name.rfind('.'));
    const auto* weight = parameters.find(module + ".weight");
    if (weight == nullptr || weight->dim() != 2) continue;
    const double bound = 1 / std::sqrt(static_cast<double>(weight->size(1)));
    const auto& value = item.value();
    value.uniform_(-bound, bound, generator);
    const bool is_output = module.ends_with("to_out.0") || module.ends_with("ff.net.2");
    if (start != BlockStart::kDefault && is_output && (is_weight || name.ends_with(".bias"))) {
      value.zero_();
    }
  }
}

}  // namespace

AdapterImpl::AdapterImpl(const std::vector<TransformerSite>& transformers,
                         std::vector<int64_t> sites, int64_t text_width, uint64_t seed,
                         BlockStart start)
    : sites_(std::move(sites)) {
  placeholder_ = register_parameter("placeholder_embedding", torch::zeros({text_width}));
  torch::nn::ModuleList list;
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  for (const int64_t index : sites_) {
    const TransformerSite& site = transformers.at(static_cast<size_t>(index));
    TransformerBlock block(site.channels, site.channels, site.heads);
    Initialize(*block, generator, start);
    list->push_back(block);
    blocks_.push_back(block);
    names_.push_back(site.name);
  }
  register_module("image_cross_attention", list);
}

std::vector<std::string> AdapterImpl::site_names() const { return names_; }

std::vector<torch::Tensor> AdapterImpl::BlockParameters() const {
  std::vector<torch::Tensor> result;
  for (const auto& block : blocks_) {
    for (const auto& p : block->parameters()) result.push_back(p);
  }
  return result;
}

void AdapterImpl::CopySelfAttention(const torch::nn::Module& unet) {
  // Leaves of the block here, and those of the base model's that they start as.
  static constexpr std::array<std::pair<const char*, const char*>, 14> kLeaves = {{
      {"norm1.weight", "norm1.weight"},
      {"norm1.bias", "norm1.bias"},
      {"attn1.to_q.weight", "attn1.to_q.weight"},
      {"attn1.to_k.weight", "attn1.to_k.weight"},
      {"attn1.to_v.weight", "attn1.to_v.weight"},
      {"norm2.weight", "norm1.weight"},
      {"norm2.bias", "norm1.bias"},
      {"attn2.to_q.weight", "attn1.to_q.weight"},
      {"attn2.to_k.weight", "attn1.to_k.weight"},
      {"attn2.to_v.weight", "attn1.to_v.weight"},
      {"norm3.weight", "norm3.weight"},
      {"norm3.bias", "norm3.bias"},
      {"ff.net.0.proj.weight", "ff.net.0.proj.weight"},
      {"ff.net.0.proj.bias", "ff.net.0.proj.bias"},
  }};
  const at::NoGradGuard no_grad;
  const auto of_base = unet.named_parameters();
  for (size_t i = 0; i < blocks_.size(); ++i) {
    auto own = blocks_[i]->named_parameters();
    for (const auto& [leaf, source] : kLeaves) {
      own[leaf].copy_(of_base[names_[i] + ".transformer_blocks.0." + source]);
    }
  }
}

std::map<std::string, torch::Tensor> AdapterImpl::NamedTensors() const {
  std::map<std::string, torch::Tensor> result;
  result["placeholder_embedding"] = placeholder_.unsqueeze(0);
  for (size_t i = 0; i < blocks_.size(); ++i) {
    for (const auto& item : blocks_[i]->named_parameters()) {
      result[names_[i] + ".image_cross_attention." + item.key()] = item.value();
    }
  }
  return result;
}

}  // namespace vico::worker
