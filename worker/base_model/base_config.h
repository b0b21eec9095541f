// The config files of a diffusers directory -> sizes of our networks. A file that asks for anything
// these networks do not do is refused in one sentence, never read past. (The noise schedule has a
// file of its own, schedule_config.)
#pragma once

#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "worker/model/config.h"

namespace vico::worker {

/// All take the file's text and the name it has in messages; kInvalidArgument otherwise.
absl::StatusOr<UNetConfig> ParseUNetConfig(std::string_view json, std::string_view source);
absl::StatusOr<VaeConfig> ParseVaeConfig(std::string_view json, std::string_view source);
absl::StatusOr<ClipTextConfig> ParseClipTextConfig(std::string_view json, std::string_view source);

/// The inverse: JSON texts that the functions above, diffusers and transformers read.
std::string UNetConfigJson(const UNetConfig& config);
std::string VaeConfigJson(const VaeConfig& config);
std::string ClipTextConfigJson(const ClipTextConfig& config);

}  // namespace vico::worker
