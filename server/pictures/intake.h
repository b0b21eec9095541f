// Takes in one uploaded picture: checked under hard limits, decoded, brought to the one form in
// which everything behind this line sees pictures (PNG, 8-bit RGB, upright, nothing but pixels).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>

#include "server/pictures/decoder/pixels.h"
#include "server/pictures/picture_decoder.h"
#include "server/pictures/picture_scan.h"

namespace vico::server {

/// What a picture looks like from far away; two that are near are the same picture to people.
struct Fingerprint {
  uint64_t gradient = 0;  ///< one bit a pair of neighbours on a 9 x 8 grid: is it darker
  std::array<uint8_t, 16 * 16 * 3> thumbnail{};  ///< RGB
};

struct TakenPicture {
  std::string png;
  int width = 0;   ///< pixels, upright
  int height = 0;  ///< pixels, upright
  Fingerprint fingerprint;
};

/// For the whole process: OpenCV starts no threads of its own.
void EncodeOnCallersThread();

/// Greyscale, palette, 16-bit and CMYK become 8-bit RGB, alpha is laid over white, EXIF orientation
/// is applied, and all metadata (colour profiles, too) is dropped. The PNG is encoded here, from
/// pixels alone: no byte of what came in is in it. kInvalidArgument that says what is wrong; the
/// caller adds which picture it was; `decoder`'s other codes. Any thread; needs up to three times
/// the picture's pixels in memory, so the caller bounds how many run at once.
absl::StatusOr<TakenPicture> TakePicture(std::string_view bytes, PictureDecoder& decoder,
                                         const PictureLimits& limits = {});

/// TakePicture's error as the answer to the call that sent the picture as `field`.
absl::Status PictureError(std::string_view field, const absl::Status& error);

Fingerprint FingerprintOf(const Pixels& pixels);

/// The fingerprint of a PNG that TakePicture made. kDataLoss when it does not decode.
absl::StatusOr<Fingerprint> FingerprintOf(std::string_view png);

/// Whether people would call the two the same picture.
bool LooksTheSame(const Fingerprint& a, const Fingerprint& b);

/// Pairs (i, j), i < j, of pictures that look the same.
std::vector<std::pair<size_t, size_t>> Duplicates(const std::vector<Fingerprint>& pictures);

}  // namespace vico::server
