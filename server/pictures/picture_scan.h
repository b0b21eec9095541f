// Scans the structure of a PNG or JPEG without decoding it: checks sizes before any pixel is
// unpacked, detects truncated files, and strips everything but the pixels. Sources: ISO/IEC 15948
// (PNG), ITU-T T.81 (JPEG), CIPA DC-008 (EXIF orientation).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace vico::server {

/// Limits of accepted pictures.
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
  int bit_depth = 8;     ///< bits per channel once decoded: 8 or 16
  int orientation = 1;   ///< EXIF, 1..8
  std::string stripped;  ///< the file without anything that decoding does not need
};

/// Detects the type from the first bytes. kInvalidArgument that says what is wrong, to which the
/// caller adds the picture.
absl::StatusOr<ScannedPicture> ScanPicture(std::string_view bytes, const PictureLimits& limits);

absl::StatusOr<ScannedPicture> ScanPng(std::string_view bytes, const PictureLimits& limits);
absl::StatusOr<ScannedPicture> ScanJpeg(std::string_view bytes, const PictureLimits& limits);

/// Checks size, aspect and decoded bytes.
absl::Status CheckSize(const ScannedPicture& picture, const PictureLimits& limits);

/// The orientation in the TIFF block of EXIF data; 1 if it has none or is malformed.
int ExifOrientation(std::string_view tiff);

}  // namespace vico::server
