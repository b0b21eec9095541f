// A PNG or JPEG -> pixels, with libpng and libjpeg. Runs in the helper process, on bytes that
// nobody vouches for, so it needs little and knows nothing: no files, no environment, no status
// library.
#pragma once

#include <cstdint>
#include <string_view>

#include "server/pictures/decoder/pixels.h"

namespace vico::server {

struct DecodeJob {
  std::string_view file;  ///< as server/intake/picture_scan leaves it
  uint32_t width = 0;     ///< pixels, as stored; the file must say the same
  uint32_t height = 0;    ///< pixels, as stored; the file must say the same
  int orientation = 1;    ///< EXIF, 1..8
};

/// The numbers cross a process boundary.
enum class DecodeOutcome : uint32_t {
  kDecoded = 0,
  kDamaged = 1,      ///< also what the libraries would only warn of
  kOtherSize = 2,    ///< than the job says
  kOutOfMemory = 3,  ///< more than the process may have
};

/// Grey, palette, 16 bits and CMYK become 8-bit BGR, what is transparent shows white, and the
/// orientation is undone. `pixels` is whole only with kDecoded. Needs the size of the result, and
/// of the picture as stored where it is interlaced or progressive.
DecodeOutcome DecodePicture(const DecodeJob& job, Pixels& pixels);

}  // namespace vico::server
