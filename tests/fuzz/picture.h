// Scans an uploaded picture and decodes it like vico-decode.
#pragma once

#include "server/pictures/decoder/decode.h"
#include "server/pictures/decoder/tiles.h"
#include "server/pictures/scan/decode_report.h"
#include "server/pictures/scan/picture_scan.h"
#include "tests/fuzz/fuzz_target.h"

namespace vico::fuzz {

/// The most that the scan adds: an end chunk, a header for WebP with alpha and padding, or the
/// lengths of the tiles of a HEIC.
inline constexpr size_t kAdded = 64 + 8 * server::kMaxTiles;

inline void ScanAndDecode(std::string_view file) {
  // The service has larger limits; small pictures reach the same code faster.
  const server::PictureLimits limits{.min_side = 1,
                                     .max_side = 512,
                                     .max_pixels = 128 * 128,
                                     .max_jpeg_pixels = 4 * 128 * 128,
                                     .max_heif_pixels = 4 * 128 * 128,
                                     .max_coefficient_bytes = 1 << 20};
  const auto scanned = server::ScanPicture(file, limits);
  if (!scanned.ok()) return;
  MustHold(scanned->stripped.size() <= file.size() + kAdded, "stripping does not lengthen a file");
  // Of a HEIC or AVIF only the coded tiles are left.
  if (!scanned->stripped.starts_with(server::kTilesMagic)) {
    const auto again = server::ScanPicture(scanned->stripped, limits);
    MustHold(again.ok() && again->stripped == scanned->stripped,
             "a stripped file has nothing to strip");
  }
  server::Pixels pixels;
  const server::DecodeOutcome outcome = server::DecodePicture({.file = scanned->stripped,
                                                               .width = scanned->width,
                                                               .height = scanned->height,
                                                               .orientation = scanned->orientation,
                                                               .shrink = scanned->shrink,
                                                               .colour = scanned->colour,
                                                               .colour_data = scanned->colour_data},
                                                              pixels);
  const absl::Status error = server::DecodeError(*scanned, outcome, pixels.notes);
  MustHold(error.ok() || !error.message().empty(), "an error has a text");
  if (outcome != server::DecodeOutcome::kDecoded) return;
  const uint32_t width = server::Shrunk(scanned->width, scanned->shrink);
  const uint32_t height = server::Shrunk(scanned->height, scanned->shrink);
  const bool turned = scanned->orientation >= 5;
  MustHold(pixels.width == static_cast<int>(turned ? height : width),
           "the decoded width is the width in the header");
  MustHold(pixels.bgr.size() == size_t{3} * width * height, "all pixels are decoded");
  for (const server::PictureWarning& warning : server::WarningsOf(*scanned, pixels.notes)) {
    MustHold(!warning.text.empty(), "a warning has a text");
  }
}

}  // namespace vico::fuzz
