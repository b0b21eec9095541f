#include "server/pictures/picture_scan.h"

#include <algorithm>

#include <fmt/format.h>

namespace vico::server {
namespace {

constexpr std::string_view kPngMagic("\x89PNG\r\n\x1a\n", 8);
constexpr std::string_view kJpegMagic("\xff\xd8\xff", 3);

uint32_t Number(std::string_view tiff, size_t at, size_t size, bool little) {
  uint32_t value = 0;
  for (size_t i = 0; i < size; ++i) {
    const auto byte = static_cast<unsigned char>(tiff[at + (little ? size - 1 - i : i)]);
    value = value << 8 | byte;
  }
  return value;
}

}  // namespace

absl::StatusOr<ScannedPicture> ScanPicture(std::string_view bytes, const PictureLimits& limits) {
  if (bytes.empty()) return absl::InvalidArgumentError("is empty");
  if (bytes.starts_with(kPngMagic)) return ScanPng(bytes, limits);
  if (bytes.starts_with(kJpegMagic)) return ScanJpeg(bytes, limits);
  return absl::InvalidArgumentError("must be a PNG or a JPEG, and its content is neither");
}

absl::Status CheckSize(const ScannedPicture& picture, const PictureLimits& limits) {
  const auto [shorter, longer] = std::minmax(picture.width, picture.height);
  if (shorter < limits.min_side || longer > limits.max_side) {
    return absl::InvalidArgumentError(fmt::format("sides must be {}..{} pixels, got {} x {}",
                                                  limits.min_side, limits.max_side, picture.width,
                                                  picture.height));
  }
  const uint64_t pixels = uint64_t{picture.width} * picture.height;
  if (pixels > limits.max_pixels) {
    return absl::InvalidArgumentError(fmt::format("must have at most {} pixels, got {} x {}",
                                                  limits.max_pixels, picture.width,
                                                  picture.height));
  }
  if (longer > uint64_t{limits.max_aspect} * shorter) {
    return absl::InvalidArgumentError(
        fmt::format("the longer side may be at most {} times the shorter, got {} x {}",
                    limits.max_aspect, picture.width, picture.height));
  }
  const uint64_t decoded =
      pixels * static_cast<uint64_t>(picture.channels) * (picture.bit_depth > 8 ? 2 : 1);
  if (decoded > limits.max_decoded_bytes) {
    return absl::InvalidArgumentError(
        fmt::format("decodes to {} bytes, more than {}", decoded, limits.max_decoded_bytes));
  }
  return absl::OkStatus();
}

int ExifOrientation(std::string_view tiff) {
  if (tiff.size() < 8) return 1;
  const bool little = tiff.starts_with("II");
  if (!little && !tiff.starts_with("MM")) return 1;
  if (Number(tiff, 2, 2, little) != 42) return 1;
  const uint64_t directory = Number(tiff, 4, 4, little);
  if (directory + 2 > tiff.size()) return 1;
  const uint32_t entries = Number(tiff, directory, 2, little);
  for (uint64_t i = 0; i < entries; ++i) {
    const uint64_t entry = directory + 2 + 12 * i;
    if (entry + 12 > tiff.size()) return 1;
    if (Number(tiff, entry, 2, little) != 0x0112) continue;
    constexpr uint32_t kShort = 3;
    const uint32_t value = Number(tiff, entry + 8, 2, little);
    const bool valid = Number(tiff, entry + 2, 2, little) == kShort &&
                       Number(tiff, entry + 4, 4, little) == 1 && value >= 1 && value <= 8;
    return valid ? static_cast<int>(value) : 1;
  }
  return 1;
}

}  // namespace vico::server
