// Decodes a PNG or JPEG with libpng and libjpeg. It runs in the helper process on untrusted bytes,
// so it uses no files, no environment and no status library.
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

/// The numbers are part of the protocol between the processes.
enum class DecodeOutcome : uint32_t {
  kDecoded = 0,
  kDamaged = 1,      ///< also what the libraries would only warn of
  kOtherSize = 2,    ///< than the job says
  kOutOfMemory = 3,  ///< more than the process may have
};

/// Converts grey, palette, 16 bits and CMYK to 8-bit BGR, lays alpha over white, and turns the
/// picture upright. `pixels` is complete only with kDecoded. Uses memory of the size of the result,
/// and of the stored picture if it is interlaced or progressive.
DecodeOutcome DecodePicture(const DecodeJob& job, Pixels& pixels);

}  // namespace vico::server
