// Weights and inputs by formula, as in the recorders' formula.py, so that they need not be stored.
#pragma once

#include <cmath>
#include <map>
#include <string>

#include "worker/io/tensors.h"
#include "worker/model/config.h"

namespace vico::golden {

/// weights() of formula.py, for the tensor with position `index` (from 1) in ascending order of the
/// names.
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

/// Fills every tensor by the position of its name.
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
