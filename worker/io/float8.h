// Numbers of 8 bits, which some weight files have. LibTorch 1.13 does not know them.
// Source: arXiv:2209.05433; the variants of ONNX and torch (float8_e4m3fn, float8_e5m2).
#pragma once

#include <cstddef>
#include <span>

#include "common/formats/safetensors.h"
#include "worker/model/torch.h"

namespace vico::worker {

inline bool IsFloat8(DType dtype) { return dtype == DType::kF8E4M3 || dtype == DType::kF8E5M2; }

/// The numbers as fp32, exactly. `dtype` is kF8E4M3, which has NaN but no infinity, or kF8E5M2.
torch::Tensor FromFloat8(std::span<const std::byte> bytes, DType dtype,
                         const std::vector<int64_t>& shape);

}  // namespace vico::worker
