// What a PNG or JPEG says about itself, read without decoding it: sizes are known and bounded
// before any pixel is unpacked, a file that ends early is noticed, and all but the pixels is left
// behind. Sources: ISO/IEC 15948 (PNG), ITU-T T.81 (JPEG), CIPA DC-008 (EXIF orientation).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace vico::server {

/// What is accepted, at most.
struct PictureLimits {
  uint32_t min_side = 64;    ///< pixels
  uint32_t max_side = 8192;  ///< pixels
  uint64_t max_pixels = 25'000'000;
  uint32_t max_aspect = 8;  ///< longer side to shorter side
  uint64_t max_decoded_bytes = uint64_t{100} << 20;
  int max_scans = 64;  ///< of a progressive JPEG
};

struct ScannedPicture {
  uint32_t width = 0;    ///< pixels, as stored
  uint32_t height = 0;   ///< pixels, as stored
  int channels = 3;      ///< as stored: 1, 2 (grey and alpha), 3, 4 (alpha or CMYK)
  int bit_depth = 8;     ///< bits a channel: 8 or 16 when decoded
  int orientation = 1;   ///< EXIF, 1..8
  std::string stripped;  ///< the file with nothing in it but what its pixels need
};

/// By the first bytes; names and media types that came with a file are not looked at.
/// kInvalidArgument that says what is wrong; the caller adds which picture it was.
absl::StatusOr<ScannedPicture> ScanPicture(std::string_view bytes, const PictureLimits& limits);

absl::StatusOr<ScannedPicture> ScanPng(std::string_view bytes, const PictureLimits& limits);
absl::StatusOr<ScannedPicture> ScanJpeg(std::string_view bytes, const PictureLimits& limits);

/// Checks size, aspect and decoded bytes.
absl::Status CheckSize(const ScannedPicture& picture, const PictureLimits& limits);

/// The orientation in a TIFF block, as EXIF holds it; 1 when it has none or does not parse.
int ExifOrientation(std::string_view tiff);

}  // namespace vico::server
