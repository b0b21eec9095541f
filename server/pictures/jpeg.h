// Encodes thumbnails as JPEG.
#pragma once

#include <string>

#include <absl/status/statusor.h>

#include "server/pictures/decoder/pixels.h"

namespace vico::server {

/// Baseline JPEG in YCbCr, quality 85, colours at half the resolution. kResourceExhausted when
/// there is not enough memory.
absl::StatusOr<std::string> EncodeJpeg(const Pixels& pixels);

}  // namespace vico::server
