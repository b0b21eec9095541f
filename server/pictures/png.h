// Encodes the pictures that the server stores: PNG, 8 bits, three channels, pixels only.
#pragma once

#include <string>

#include <absl/status/statusor.h>

#include "server/pictures/decoder/pixels.h"

namespace vico::server {

/// kResourceExhausted when there is not enough memory.
absl::StatusOr<std::string> EncodePng(const Pixels& pixels);

}  // namespace vico::server
