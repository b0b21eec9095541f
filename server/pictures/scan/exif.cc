#include "server/pictures/scan/exif.h"

#include <cstdint>
#include <optional>

namespace vico::server {
namespace {

constexpr uint32_t kOrientation = 0x0112;
constexpr uint32_t kExifDirectory = 0x8769;
constexpr uint32_t kColourSpace = 0xa001;
constexpr uint32_t kInteropDirectory = 0xa005;
constexpr uint32_t kInteropIndex = 0x0001;
constexpr uint32_t kAscii = 2, kShort = 3, kLong = 4;

class Tiff {
 public:
  explicit Tiff(std::string_view bytes) : bytes_(bytes), little_(bytes.starts_with("II")) {}

  bool IsValid() const {
    return bytes_.size() >= 8 && (little_ || bytes_.starts_with("MM")) && Number(2, 2) == 42;
  }

  /// The value of a tag that has exactly one number; of text its first four bytes as they are.
  std::optional<uint32_t> Find(uint64_t directory, uint32_t tag, uint32_t type) const {
    if (directory + 2 > bytes_.size()) return std::nullopt;
    const uint32_t entries = Number(directory, 2);
    for (uint64_t i = 0; i < entries; ++i) {
      const uint64_t entry = directory + 2 + 12 * i;
      if (entry + 12 > bytes_.size()) break;
      if (Number(entry, 2) != tag) continue;
      if (Number(entry + 2, 2) != type) return std::nullopt;
      if (type != kAscii && Number(entry + 4, 4) != 1) return std::nullopt;
      return Number(entry + 8, type == kShort ? 2 : 4);
    }
    return std::nullopt;
  }

  bool IsText(uint32_t value, std::string_view three) const {
    for (size_t i = 0; i < 3; ++i) {
      const auto shift = static_cast<uint32_t>(8 * (little_ ? i : 3 - i));
      if (static_cast<char>(value >> shift & 0xff) != three[i]) return false;
    }
    return true;
  }

  uint32_t Number(uint64_t at, size_t size) const {
    uint32_t value = 0;
    for (size_t i = 0; i < size; ++i) {
      value = value << 8 | static_cast<unsigned char>(bytes_[at + (little_ ? size - 1 - i : i)]);
    }
    return value;
  }

 private:
  std::string_view bytes_;
  bool little_;
};

bool SaysAdobeRgb(const Tiff& tiff, uint32_t directory) {
  const auto exif = tiff.Find(directory, kExifDirectory, kLong);
  if (!exif) return false;
  const auto space = tiff.Find(*exif, kColourSpace, kShort);
  constexpr uint32_t kAdobeRgb = 2, kUncalibrated = 0xffff;
  if (space == kAdobeRgb) return true;
  const auto interop = tiff.Find(*exif, kInteropDirectory, kLong);
  if (space != kUncalibrated || !interop) return false;
  const auto index = tiff.Find(*interop, kInteropIndex, kAscii);
  return index && tiff.IsText(*index, "R03");
}

}  // namespace

ExifFacts ReadExif(std::string_view block) {
  if (block.starts_with(std::string_view("Exif\0", 5)))
    block.remove_prefix(block.size() > 6 ? 6 : 5);
  const Tiff tiff(block);
  if (!tiff.IsValid()) return {};
  ExifFacts facts;
  const uint32_t directory = tiff.Number(4, 4);
  const uint32_t orientation = tiff.Find(directory, kOrientation, kShort).value_or(0);
  if (orientation >= 1 && orientation <= 8) facts.orientation = static_cast<int>(orientation);
  facts.adobe_rgb = SaysAdobeRgb(tiff, directory);
  return facts;
}

void Merge(const ExifFacts& later, ExifFacts& facts) {
  if (facts.orientation == 0) facts.orientation = later.orientation;
  facts.adobe_rgb = facts.adobe_rgb || later.adobe_rgb;
}

}  // namespace vico::server
