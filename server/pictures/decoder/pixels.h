// The pixels of a decoded picture.
#pragma once

#include <cstdint>
#include <vector>

namespace vico::server {

struct Pixels {
  int width = 0;             ///< pixels, upright
  int height = 0;            ///< pixels, upright
  std::vector<uint8_t> bgr;  ///< [height, width, 3], rows without padding
};

}  // namespace vico::server
