// Reads the sizes of the networks from the config files of a diffusers directory, and writes them.
// A setting that the networks do not support is an error, never ignored. (schedule_config reads the
// noise schedule.)
#pragma once

#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "worker/model/config.h"

namespace vico::worker {

/// `json` is the file's text and `source` its name in messages. kInvalidArgument naming the key.
absl::StatusOr<UNetConfig> ParseUNetConfig(std::string_view json, std::string_view source);
absl::StatusOr<VaeConfig> ParseVaeConfig(std::string_view json, std::string_view source);
absl::StatusOr<ClipTextConfig> ParseClipTextConfig(std::string_view json, std::string_view source);

/// The inverse: JSON that the functions above, diffusers and transformers read.
std::string UNetConfigJson(const UNetConfig& config);
std::string VaeConfigJson(const VaeConfig& config);
std::string ClipTextConfigJson(const ClipTextConfig& config);

}  // namespace vico::worker
