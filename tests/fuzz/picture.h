// Scans an uploaded picture and decodes it like vico-decode.
#pragma once

#include "server/pictures/decoder/decode.h"
#include "server/pictures/picture_scan.h"
#include "tests/fuzz/fuzz_target.h"

namespace vico::fuzz {

inline void ScanAndDecode(std::string_view file) {
  // The service has larger limits; small pictures reach the same code faster.
  const server::PictureLimits limits{.min_side = 1, .max_side = 512, .max_pixels = 128 * 128};
  const auto scanned = server::ScanPicture(file, limits);
  if (!scanned.ok()) return;
  MustHold(scanned->stripped.size() <= file.size(), "stripping does not lengthen a file");
  const auto again = server::ScanPicture(scanned->stripped, limits);
  MustHold(again.ok() && again->stripped == scanned->stripped,
           "a stripped file has nothing to strip");
  server::Pixels pixels;
  const server::DecodeOutcome outcome = server::DecodePicture({.file = scanned->stripped,
                                                               .width = scanned->width,
                                                               .height = scanned->height,
                                                               .orientation = scanned->orientation},
                                                              pixels);
  if (outcome != server::DecodeOutcome::kDecoded) return;
  const bool turned = scanned->orientation >= 5;
  MustHold(pixels.width == static_cast<int>(turned ? scanned->height : scanned->width),
           "the decoded width is the width in the header");
  MustHold(pixels.bgr.size() == size_t{3} * scanned->width * scanned->height,
           "all pixels are decoded");
}

}  // namespace vico::fuzz
