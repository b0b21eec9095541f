// Scans the structure of a picture without decoding it: checks sizes before any pixel is
// unpacked, detects truncated files, finds what says how the picture is turned and what its colours
// mean, and strips everything but the pixels. Sources: ISO/IEC 15948 and the third edition (PNG),
// ITU-T T.81 (JPEG), RFC 9649 (WebP), ICC.1:2022 annex B (profiles in files).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "server/pictures/decoder/decode.h"

namespace vico::server {

/// Limits of accepted pictures.
struct PictureLimits {
  uint32_t min_side = 64;    ///< pixels
  uint32_t max_side = 8192;  ///< pixels
  uint64_t max_pixels = 25'000'000;
  uint32_t max_aspect = 8;  ///< longer side to shorter side
  uint64_t max_decoded_bytes = uint64_t{100} << 20;
  /// A JPEG, HEIC or AVIF with more than `max_pixels` or a longer side than `max_side` is scaled
  /// down.
  uint64_t max_jpeg_pixels = 200'000'000;
  uint64_t max_heif_pixels = 50'000'000;  ///< of a HEIC or AVIF
  /// Of a JPEG with several scans, whose coefficients are in memory at once.
  uint64_t max_coefficient_bytes = uint64_t{200} << 20;
  int max_scans = 64;  ///< of a progressive JPEG
};

enum class PictureFormat { kPng, kJpeg, kWebp, kHeic, kAvif };

/// As "PNG" or "WebP".
std::string_view NameOf(PictureFormat format);

/// The media types of accepted pictures, as "image/jpeg".
std::span<const std::string_view> PictureMediaTypes();

/// Reasons of warnings.
inline constexpr char kPictureDamaged[] = "PICTURE_DAMAGED";
inline constexpr char kPictureAnimated[] = "PICTURE_ANIMATED";
inline constexpr char kProfileIsUnusable[] = "COLOUR_PROFILE_UNUSABLE";

/// What a user should know about a picture that is taken.
struct PictureWarning {
  std::string reason;  ///< one of those above
  std::string text;    ///< a clause without the picture's name
};

PictureWarning UnusableProfile(std::string_view why);

struct ScannedPicture {
  PictureFormat format = PictureFormat::kPng;
  uint32_t width = 0;       ///< pixels, as stored
  uint32_t height = 0;      ///< pixels, as stored
  int channels = 3;         ///< as stored: 1, 2 (grey and alpha), 3, 4 (alpha or CMYK)
  int bit_depth = 8;        ///< bits per channel once decoded: 8 or 16
  int orientation = 1;      ///< EXIF, 1..8
  uint32_t shrink = 1;      ///< as DecodeJob has it
  bool ends_early = false;  ///< the end marker is missing; `stripped` has one
  ColourKind colour = ColourKind::kSrgb;
  std::string colour_data;  ///< as DecodeJob has it
  std::string stripped;     ///< the file without anything that decoding does not need
  std::vector<PictureWarning> warnings;
};

/// Detects the type from the first bytes. kInvalidArgument that says what is wrong, to which the
/// caller adds the picture. A file that decodes whole in spite of a defect is taken with a warning.
absl::StatusOr<ScannedPicture> ScanPicture(std::string_view bytes, const PictureLimits& limits);

absl::StatusOr<ScannedPicture> ScanPng(std::string_view bytes, const PictureLimits& limits);
absl::StatusOr<ScannedPicture> ScanJpeg(std::string_view bytes, const PictureLimits& limits);
absl::StatusOr<ScannedPicture> ScanWebp(std::string_view bytes, const PictureLimits& limits);
absl::StatusOr<ScannedPicture> ScanHeif(std::string_view bytes, const PictureLimits& limits);

/// kInvalidArgument when coded pixels end in so many zeros that they were never written: a copy
/// broke off. They would decode to grey. `end` is where they end in the file.
absl::Status CheckWritten(std::string_view coded, size_t end);

/// Checks size, aspect and decoded bytes, and chooses `shrink`.
absl::Status CheckSize(ScannedPicture& picture, const PictureLimits& limits);

}  // namespace vico::server
