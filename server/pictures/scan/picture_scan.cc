#include "server/pictures/scan/picture_scan.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "common/formats/file_signature.h"
#include "common/status.h"

namespace vico::server {
namespace {

using std::string_view_literals::operator""sv;

constexpr auto kPngMagic = "\x89PNG\r\n\x1a\n"sv;
constexpr auto kJpegMagic = "\xff\xd8\xff"sv;

constexpr std::array kMediaTypes{"image/jpeg"sv, "image/png"sv, "image/webp"sv, "image/heic"sv,
                                 "image/avif"sv};

/// Says what the file is instead, and what to do.
absl::Status NotAPicture(std::string_view bytes) {
  constexpr auto kAccepted = "accepted are JPEG, PNG, WebP, HEIC and AVIF"sv;
  const FileType* const type = FindFileType(bytes);
  if (type != nullptr) {
    const bool has_advice = !type->advice.empty();
    return absl::InvalidArgumentError(
        fmt::format("is {}; {}{}{}", type->name, kAccepted, has_advice ? ": " : "", type->advice));
  }
  std::string first;
  for (const char byte : bytes.substr(0, 8)) {
    first += fmt::format(" {:02x}", static_cast<unsigned char>(byte));
  }
  return absl::InvalidArgumentError(
      fmt::format("is of an unknown type (it begins with{}); {}", first, kAccepted));
}

bool IsHeif(std::string_view bytes) {
  const FileType* const type = FindFileType(bytes);
  return type != nullptr && (type->name == "a HEIC picture"sv ||
                             type->name == "an AVIF picture"sv || type->name == "a HEIF picture"sv);
}

/// Of a picture that is uploaded; one with more than `max_pixels` is scaled down.
uint64_t MostPixels(PictureFormat format, const PictureLimits& limits) {
  switch (format) {
    case PictureFormat::kJpeg:
      return limits.max_jpeg_pixels;
    case PictureFormat::kHeic:
    case PictureFormat::kAvif:
      return limits.max_heif_pixels;
    default:
      return limits.max_pixels;
  }
}

/// The least shrinking after which a picture is in the limits; 1 if there is none.
uint32_t ShrinkFor(const ScannedPicture& picture, const PictureLimits& limits) {
  for (const uint32_t shrink : {1, 2, 4, 8}) {
    const uint64_t width = Shrunk(picture.width, shrink), height = Shrunk(picture.height, shrink);
    if (std::max(width, height) <= limits.max_side && width * height <= limits.max_pixels) {
      return shrink;
    }
  }
  return 1;
}

absl::Status CheckStored(uint32_t width, uint32_t height, const ScannedPicture& picture,
                         const PictureLimits& limits) {
  const auto [shorter, longer] = std::minmax(width, height);
  const std::string got = fmt::format("got {} x {}", picture.width, picture.height);
  if (shorter < limits.min_side || longer > limits.max_side) {
    return absl::InvalidArgumentError(
        fmt::format("sides must be {}..{} pixels, {}", limits.min_side, limits.max_side, got));
  }
  if (uint64_t{width} * height > limits.max_pixels) {
    return absl::InvalidArgumentError(
        fmt::format("a {} must have at most {} pixels, {}; a JPEG may have {}",
                    NameOf(picture.format), limits.max_pixels, got, limits.max_jpeg_pixels));
  }
  if (longer > uint64_t{limits.max_aspect} * shorter) {
    return absl::InvalidArgumentError(fmt::format(
        "the longer side may be at most {} times the shorter, {}", limits.max_aspect, got));
  }
  return absl::OkStatus();
}

}  // namespace

std::string_view NameOf(PictureFormat format) {
  switch (format) {
    case PictureFormat::kPng:
      return "PNG";
    case PictureFormat::kJpeg:
      return "JPEG";
    case PictureFormat::kWebp:
      return "WebP";
    case PictureFormat::kHeic:
      return "HEIC";
    case PictureFormat::kAvif:
      break;
  }
  return "AVIF";
}

std::span<const std::string_view> PictureMediaTypes() { return kMediaTypes; }

PictureWarning UnusableProfile(std::string_view why) {
  return {
      kProfileIsUnusable,
      fmt::format("its colour profile is not used, since {}; its colours are taken as sRGB", why)};
}

absl::StatusOr<ScannedPicture> ScanPicture(std::string_view bytes, const PictureLimits& limits) {
  if (bytes.empty()) return absl::InvalidArgumentError("is empty");
  if (bytes.starts_with(kPngMagic)) return ScanPng(bytes, limits);
  if (bytes.starts_with(kJpegMagic)) return ScanJpeg(bytes, limits);
  if (bytes.starts_with("RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP") {
    return ScanWebp(bytes, limits);
  }
  if (IsHeif(bytes)) return ScanHeif(bytes, limits);
  return NotAPicture(bytes);
}

absl::Status CheckWritten(std::string_view coded, size_t end) {
  constexpr size_t kTooMany = 4096;  // bytes
  const size_t last = coded.find_last_not_of('\0');
  const size_t zeros = last == std::string_view::npos ? coded.size() : coded.size() - last - 1;
  if (zeros < kTooMany) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("does not decode: from byte {} on the file has only zeros, which a copy leaves "
                  "that breaks off; copy the file again",
                  end - zeros));
}

absl::Status CheckSize(ScannedPicture& picture, const PictureLimits& limits) {
  const uint64_t pixels = uint64_t{picture.width} * picture.height;
  const uint64_t most = MostPixels(picture.format, limits);
  if (most > limits.max_pixels) {
    if (pixels > most) {
      return absl::InvalidArgumentError(fmt::format("a {} must have at most {} pixels, got {} x {}",
                                                    NameOf(picture.format), most, picture.width,
                                                    picture.height));
    }
    picture.shrink = ShrinkFor(picture, limits);
  }
  const uint32_t width = Shrunk(picture.width, picture.shrink);
  const uint32_t height = Shrunk(picture.height, picture.shrink);
  RETURN_IF_ERROR(CheckStored(width, height, picture, limits));
  const uint64_t decoded = uint64_t{width} * height * static_cast<uint64_t>(picture.channels) *
                           (picture.bit_depth > 8 ? 2 : 1);
  if (decoded > limits.max_decoded_bytes) {
    return absl::InvalidArgumentError(
        fmt::format("decodes to {} bytes, more than {}", decoded, limits.max_decoded_bytes));
  }
  return absl::OkStatus();
}

}  // namespace vico::server
