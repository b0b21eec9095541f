// The JSON header of a safetensors file, read without building a document: every rule is checked as
// the text goes by, so a hostile header costs no more than its own length.
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
  std::vector<TensorInfo> tensors;  ///< as they came; ranges not yet compared with each other
  std::map<std::string, std::string> metadata;
};

/// Accepts strict UTF-8 JSON: depth at most 3, no duplicate or unknown key, whole numbers up to
/// 2^53, at most 64 metadata strings; every tensor has dtype, shape (at most 8 sizes) and
/// data_offsets whose length is the product of shape and dtype. Otherwise kInvalidArgument; the
/// caller adds the file's name.
absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(std::string_view json);

}  // namespace vico
