// Reads and writes PNG files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

namespace vico::client {

struct Pixels {
  int width = 0;
  int height = 0;
  std::vector<std::uint8_t> rgb;  ///< [height, width, 3], rows from the top
};

/// Grey becomes RGB, and white shows through what is transparent. kInvalidArgument for other bytes
/// than a PNG, for a damaged one, and for more than 2^26 pixels.
absl::StatusOr<Pixels> DecodePng(std::string_view png);

/// kInternal if memory is short.
absl::StatusOr<std::string> EncodePng(const Pixels& pixels);

}  // namespace vico::client
