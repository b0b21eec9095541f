// Parses the JSON header of a safetensors file. It checks every rule while it parses and builds no
// document, so the cost of a hostile header is linear in its length.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "common/formats/safetensors.h"

namespace vico {

struct SafetensorsHeader {
  std::vector<TensorInfo> tensors;  ///< in file order; ranges are not yet compared with each other
  std::map<std::string, std::string> metadata;
};

/// Accepts strict UTF-8 JSON: depth at most 3, no duplicate or unknown key, whole numbers up to
/// 2^53, metadata as strings; null stands for no metadata. Each tensor must have dtype, shape (at
/// most 8 dimensions) and data_offsets whose distance is the product of shape and dtype size.
/// Otherwise kInvalidArgument; the caller adds the name of the file.
absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(std::string_view json);

}  // namespace vico
