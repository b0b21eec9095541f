// Recognises the configs of models that are not Stable Diffusion 1.x, so that the error can say
// what they are. (known_files looks at weights and other files.)
#pragma once

#include <string_view>

#include <absl/status/status.h>

namespace vico::worker {

/// OK for Stable Diffusion 1.x and for files that are too broken to tell; else kInvalidArgument
/// with the file and key, what was found and what is supported.
absl::Status RefuseForeignIndex(std::string_view model_index_json, std::string_view source);
absl::Status RefuseForeignUNet(std::string_view config_json, std::string_view source);
absl::Status RefuseForeignTextEncoder(std::string_view config_json, std::string_view source);

}  // namespace vico::worker
