// Checks and decodes one uploaded picture and converts it to the form in which the server stores
// pictures: PNG, 8-bit RGB, upright, pixels only.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <absl/status/statusor.h>

#include "server/pictures/decoder/pixels.h"
#include "server/pictures/picture_decoder.h"
#include "server/pictures/scan/picture_scan.h"

namespace vico::server {

/// A summary of what a picture shows; similar pictures have similar fingerprints.
struct Fingerprint {
  uint64_t gradient = 0;  ///< a bit per pair of neighbours on a 9 x 8 grid: the left one is darker
  std::array<uint8_t, size_t{16} * 16 * 3> thumbnail{};  ///< RGB
};

struct NormalisedPicture {
  std::string png;
  int width = 0;   ///< pixels, upright
  int height = 0;  ///< pixels, upright
  Fingerprint fingerprint;
  std::vector<PictureWarning> warnings;
};

/// Makes OpenCV work on the caller's thread, in the whole process.
void EncodeOnCallersThread();

/// Converts greyscale, palette, 16-bit and CMYK to 8-bit RGB and every colour profile to sRGB, lays
/// transparent pixels over white, applies the EXIF orientation, scales a large JPEG down, and drops
/// all metadata. The PNG is encoded from the pixels and contains no byte of the upload.
/// kInvalidArgument that says what is wrong, to which the caller adds the picture; other codes of
/// `decoder`. Any thread; uses up to three times the size of the picture's pixels, so the caller
/// limits how many run at once.
absl::StatusOr<NormalisedPicture> NormalisePicture(std::string_view bytes, PictureDecoder& decoder,
                                                   const PictureLimits& limits = {});

/// Converts an error of NormalisePicture() to the answer of the call that sent the picture as
/// `field`.
absl::Status PictureError(std::string_view field, const absl::Status& error);

Fingerprint FingerprintOf(const Pixels& pixels);

/// The stored form: `gradient` in 8 bytes, the highest first, then the thumbnail.
inline constexpr size_t kPackedFingerprintBytes =
    sizeof(Fingerprint::gradient) + sizeof(Fingerprint::thumbnail);
std::string PackFingerprint(const Fingerprint& fingerprint);

/// Null when `packed` is not of that form.
std::optional<Fingerprint> UnpackFingerprint(std::string_view packed);

/// Whether the two pictures look the same to people.
bool LooksTheSame(const Fingerprint& a, const Fingerprint& b);

/// Pairs (i, j), i < j, of pictures that look the same.
std::vector<std::pair<size_t, size_t>> Duplicates(const std::vector<Fingerprint>& pictures);

}  // namespace vico::server
