// PNG files of the server's own: 8 bits, three channels, nothing but pixels.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "server/pictures/decoder/pixels.h"

namespace vico::server {

/// kResourceExhausted when there is no memory for it.
absl::StatusOr<std::string> EncodePng(const Pixels& pixels);

/// Of a file that EncodePng made; kDataLoss when it is not whole. Not for what others wrote.
absl::StatusOr<Pixels> DecodeOwnPng(std::string_view png);

}  // namespace vico::server
