// Networks whose weights, and inputs that are a formula, as the recorders make them with
// formula.py: nothing of them need be stored.
#pragma once

#include <cmath>
#include <map>
#include <string>

#include "worker/io/tensors.h"
#include "worker/model/config.h"

namespace vico::golden {

/// weights() of formula.py: the tensor that is `index`-th (from 1) among all names in ascending
/// order.
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

/// Every tensor by its name's place among them.
inline void FillByFormula(const std::map<std::string, torch::Tensor>& named) {
  const torch::NoGradGuard no_grad;
  int64_t index = 0;
  for (const auto& [name, tensor] : named) {
    tensor.copy_(FormulaWeights(++index, name, tensor.sizes()));
  }
}

/// Stable Diffusion's U-Net at reduced width.
inline worker::UNetConfig ReducedUNet() {
  worker::UNetConfig config;
  config.sample_size = 16;
  config.block_out_channels = {32, 32, 64, 64};
  config.cross_attention_dim = 24;
  return config;
}

}  // namespace vico::golden
