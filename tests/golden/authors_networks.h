// The networks of record_vico.py: Stable Diffusion's shape at reduced width, weights by formula.
#pragma once

#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "worker/model/adapter.h"
#include "worker/model/clip_text.h"
#include "worker/model/image_attention.h"
#include "worker/model/unet.h"

namespace vico::golden {

/// record_vico.py: weights().
inline torch::Tensor FormulaWeights(int64_t index, const std::string& name,
                                    torch::IntArrayRef shape) {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  const auto i = torch::arange(count, torch::kFloat64).remainder(997);
  auto wave = torch::sin(static_cast<double>(index) + 1.3 * i).reshape(shape);
  if (shape.size() > 1) {
    return wave * std::sqrt(2.0 * static_cast<double>(shape[0]) / static_cast<double>(count));
  }
  const bool norm = name.find("norm") != std::string::npos && name.ends_with("weight");
  return 0.2 * wave + (norm ? 1.0 : 0.0);
}

/// record_vico.py: fill(); names in ascending order, numbered from 1.
inline void Fill(const std::map<std::string, torch::Tensor>& named) {
  const torch::NoGradGuard no_grad;
  int64_t index = 0;
  for (const auto& [name, tensor] : named) {
    tensor.copy_(FormulaWeights(++index, name, tensor.sizes()));
  }
}

inline UNetConfig AuthorsUNetConfig() {
  UNetConfig config;
  config.sample_size = 16;
  config.block_out_channels = {32, 32, 64, 64};
  config.cross_attention_dim = 24;
  return config;
}

inline ClipTextConfig AuthorsTextConfig() {
  ClipTextConfig config;
  config.vocab_size = 854;
  config.hidden_size = 24;
  config.intermediate_size = 48;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 3;
  config.max_position_embeddings = 16;
  return config;
}

struct AuthorsNetworks {
  AuthorsNetworks() : unet(AuthorsUNetConfig()), text(AuthorsTextConfig()) {
    const auto& transformers = unet->transformers();
    const auto sites =
        PaperSites(unet->encoder_and_middle(), static_cast<int64_t>(transformers.size()));
    adapter =
        Adapter(transformers, sites, AuthorsTextConfig().hidden_size, 0, BlockStart::kDefault);
    auto named = adapter->NamedTensors();
    named.erase("placeholder_embedding");
    for (auto& item : unet->named_parameters()) named.emplace(item.key(), item.value());
    Fill(named);
    named.clear();
    for (auto& item : text->named_parameters()) named.emplace(item.key(), item.value());
    Fill(named);
    for (auto& p : unet->parameters()) p.set_requires_grad(false);
    for (auto& p : text->parameters()) p.set_requires_grad(false);
  }

  UNet unet;
  ClipText text;
  Adapter adapter{nullptr};  ///< its placeholder is zero
};

}  // namespace vico::golden
