// Decodes a picture with libpng, libjpeg, libwebp, libde265 (HEIC) or dav1d (AVIF), and converts
// its colours with littlecms. It runs in the helper process on untrusted bytes, so it uses no
// files, no environment and no status library.
#pragma once

#include <cstdint>
#include <string_view>

#include "server/pictures/decoder/pixels.h"

namespace vico::server {

/// What defines the colours of the stored samples. The numbers are part of the protocol between the
/// processes.
enum class ColourKind : uint32_t {
  kSrgb = 0,         ///< also what says nothing; no data
  kIcc = 1,          ///< data: an ICC profile
  kDeflatedIcc = 2,  ///< data: an ICC profile in a zlib stream, as PNG has it
  kGamma = 3,        ///< data: PNG's gAMA (4 bytes), then cHRM (32 bytes) if there is one
  kCicp = 4,         ///< data: PNG's cICP (4 bytes), code points of ITU-T H.273
  kAdobeRgb = 5,     ///< Adobe RGB (1998), as EXIF says; no data
  kLast = kAdobeRgb
};

/// The most bytes of an ICC profile. Profiles of printers have 0.5 to 2.5 MiB.
inline constexpr uint32_t kMaxProfileBytes = 4 << 20;

struct DecodeJob {
  std::string_view file = {};  ///< as server/pictures/scan/picture_scan leaves it
  uint32_t width = 0;          ///< pixels, as stored; the file must say the same
  uint32_t height = 0;         ///< pixels, as stored; the file must say the same
  int orientation = 1;         ///< EXIF, 1..8
  uint32_t shrink =
      1;  ///< 1, 2, 4 or 8: both sides are divided by it, rounded up; not of PNG, WebP
  ColourKind colour = ColourKind::kSrgb;
  std::string_view colour_data = {};
};

/// The numbers are part of the protocol between the processes.
enum class DecodeOutcome : uint32_t {
  kDecoded = 0,
  kDamaged = 1,      ///< the notes say how and where
  kOtherSize = 2,    ///< than the job says
  kOutOfMemory = 3,  ///< more than the process may have
};

/// A side of the decoded picture.
constexpr uint32_t Shrunk(uint32_t side, uint32_t shrink) { return (side + shrink - 1) / shrink; }

/// Does what the libraries would do with files while they decode; call it before the process is
/// confined.
void PrepareToDecode();

/// Converts grey, palette, 16 bits and CMYK to 8-bit BGR in sRGB, lays transparent pixels over
/// white, and turns the picture upright. `pixels.bgr` is complete only with kDecoded. What
/// libraries warn of is in `pixels.notes` if every pixel decodes; else the outcome is kDamaged.
/// Uses memory of the size of the result, and of the stored picture unless it is a plain JPEG or
/// PNG.
DecodeOutcome DecodePicture(const DecodeJob& job, Pixels& pixels);

}  // namespace vico::server
