// Scans PNG: a signature, then chunks of length, type, data and CRC.
#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <zlib.h>

#include "common/status.h"
#include "server/pictures/scan/exif.h"
#include "server/pictures/scan/picture_scan.h"

namespace vico::server {
namespace {

using std::string_view_literals::operator""sv;

constexpr size_t kSignatureSize = 8;

uint32_t BigEndian(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

std::string ToBigEndian(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}

uint32_t Checksum(std::string_view type_and_data) {
  return static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(type_and_data.data()),
                                     static_cast<uInt>(type_and_data.size())));
}

/// The bit depths that ISO 15948 allows for a colour type, and its channels once decoded.
absl::StatusOr<int> Channels(int colour_type, int bit_depth) {
  const bool small = bit_depth == 1 || bit_depth == 2 || bit_depth == 4;
  const bool whole = bit_depth == 8 || bit_depth == 16;
  switch (colour_type) {
    case 0:  // grey
      if (small || whole) return 1;
      break;
    case 2:  // RGB
      if (whole) return 3;
      break;
    case 3:  // palette, may have transparent entries
      if (small || bit_depth == 8) return 4;
      break;
    case 4:  // grey and alpha, unpacked as RGB and alpha
    case 6:  // RGB and alpha
      if (whole) return 4;
      break;
  }
  return absl::InvalidArgumentError(
      fmt::format("is not a valid PNG: colour type {} with {} bits", colour_type, bit_depth));
}

absl::Status ReadHeader(std::string_view data, ScannedPicture& picture) {
  if (data.size() != 13) return absl::InvalidArgumentError("is not a valid PNG: bad header");
  picture.width = BigEndian(data, 0);
  picture.height = BigEndian(data, 4);
  const int bit_depth = static_cast<unsigned char>(data[8]);
  ASSIGN_OR_RETURN(picture.channels, Channels(static_cast<unsigned char>(data[9]), bit_depth));
  picture.bit_depth = bit_depth == 16 ? 16 : 8;
  if (data[10] != 0 || data[11] != 0 || static_cast<unsigned char>(data[12]) > 1) {
    return absl::InvalidArgumentError("is not a valid PNG: unknown compression or interlacing");
  }
  return absl::OkStatus();
}

class PngScanner {
 public:
  PngScanner(std::string_view bytes, const PictureLimits& limits) : bytes_(bytes), limits_(limits) {
    picture_.format = PictureFormat::kPng;
  }

  absl::StatusOr<ScannedPicture> Scan();

 private:
  absl::Status ReadChunk();
  absl::Status ReadCutChunk(std::string_view type);
  absl::Status ReadData(std::string_view type, std::string_view data, std::string_view chunk);
  void ReadAncillary(std::string_view type, std::string_view data, std::string_view chunk);
  void ChooseColour();
  absl::StatusOr<ScannedPicture> Finish();
  void Warn(std::string text) { picture_.warnings.push_back({kPictureDamaged, std::move(text)}); }

  const std::string_view bytes_;
  const PictureLimits& limits_;
  ScannedPicture picture_;
  size_t at_ = kSignatureSize;
  bool has_header_ = false;
  bool has_data_ = false;
  bool has_end_ = false;
  size_t damaged_chunks_ = 0;        // that are not needed
  std::set<std::string_view> seen_;  // chunks of which the first counts
  std::string_view cicp_, iccp_, srgb_, gamma_, primaries_;
  ExifFacts exif_;
};

absl::StatusOr<ScannedPicture> PngScanner::Scan() {
  picture_.stripped.assign(bytes_.substr(0, kSignatureSize));
  while (!has_end_ && at_ < bytes_.size()) RETURN_IF_ERROR(ReadChunk());
  return Finish();
}

absl::Status PngScanner::ReadChunk() {
  const std::string_view left = bytes_.substr(at_);
  const std::string_view type = left.substr(std::min<size_t>(4, left.size()), 4);
  const uint32_t length = left.size() < 8 ? 0 : BigEndian(left, 0);
  if (left.size() < 12 || length > left.size() - 12) return ReadCutChunk(type);
  const std::string_view data = left.substr(8, length);
  const std::string_view chunk = left.substr(0, length + 12);
  const size_t start = std::exchange(at_, at_ + chunk.size());
  if (Checksum(left.substr(4, length + 4)) != BigEndian(left, 8 + length)) {
    const bool ancillary = (static_cast<unsigned char>(type[0]) & 0x20) != 0;
    const bool named =
        type.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") ==
        std::string_view::npos;
    if (!has_header_ || !ancillary || !named) {
      return absl::InvalidArgumentError(
          fmt::format("the PNG is damaged: the checksum of its chunk{} at byte {} does not match",
                      named ? fmt::format(" {}", type) : "", start));
    }
    // A file may have a million of them.
    constexpr size_t kNamedChunks = 4;
    if (++damaged_chunks_ <= kNamedChunks) {
      Warn(fmt::format("the PNG's chunk {} at byte {} is damaged and not used", type, start));
    }
    return absl::OkStatus();
  }
  return ReadData(type, data, chunk);
}

/// The file ends in a chunk. Pixels that are there may be all of them.
absl::Status PngScanner::ReadCutChunk(std::string_view type) {
  const std::string_view left = bytes_.substr(at_);
  at_ = bytes_.size();
  if (!has_data_ && type != "IDAT") {
    return absl::InvalidArgumentError(
        fmt::format("the PNG ends at byte {}, before its pixels", bytes_.size()));
  }
  if (type == "IDAT" && left.size() > 8 && has_header_) {
    const auto length =
        static_cast<uint32_t>(std::min<size_t>(left.size() - 8, BigEndian(left, 0)));
    const std::string checked(left.substr(4, 4 + size_t{length}));
    has_data_ = true;
    picture_.stripped += ToBigEndian(length) + checked + ToBigEndian(Checksum(checked));
  }
  return absl::OkStatus();
}

absl::Status PngScanner::ReadData(std::string_view type, std::string_view data,
                                  std::string_view chunk) {
  if (type == "CgBI") {
    return absl::InvalidArgumentError(
        "is a PNG in the form of Apple's developer tools (CgBI), not of the standard; export it "
        "again");
  }
  if (has_header_ != (type != "IHDR")) {
    return absl::InvalidArgumentError("is not a valid PNG: it must have one header, first");
  }
  if (type == "IHDR") {
    RETURN_IF_ERROR(ReadHeader(data, picture_));
    RETURN_IF_ERROR(CheckSize(picture_, limits_));
    has_header_ = true;
    picture_.stripped += chunk;
  } else if (type == "IEND") {
    has_end_ = true;  // later bytes are not part of the picture
  } else if (type == "IDAT" || type == "PLTE") {
    has_data_ = has_data_ || type == "IDAT";
    picture_.stripped += chunk;
  } else if ((static_cast<unsigned char>(type[0]) & 0x20) == 0) {
    return absl::InvalidArgumentError("is not a valid PNG: unknown critical chunk");
  } else {
    ReadAncillary(type, data, chunk);
  }
  return absl::OkStatus();
}

void PngScanner::ReadAncillary(std::string_view type, std::string_view data,
                               std::string_view chunk) {
  constexpr std::array kRead{"tRNS"sv, "cICP"sv, "iCCP"sv, "sRGB"sv, "gAMA"sv, "cHRM"sv, "acTL"sv};
  if (type == "eXIf") return Merge(ReadExif(data), exif_);
  if (std::ranges::find(kRead, type) == kRead.end() || !seen_.insert(type).second) return;
  if (type == "tRNS") picture_.stripped += chunk;
  if (type == "cICP") cicp_ = data;
  if (type == "iCCP") iccp_ = data;
  if (type == "sRGB") srgb_ = data;
  if (type == "gAMA") gamma_ = data;
  if (type == "cHRM") primaries_ = data;
  if (type == "acTL" && data.size() == 8 && BigEndian(data, 0) > 1) {
    picture_.warnings.push_back(
        {kPictureAnimated,
         fmt::format("is an animation of {} pictures, of which the one that still "
                     "viewers show is used",
                     BigEndian(data, 0))});
  }
}

/// The order of precedence is that of the third edition, section 4.3.
void PngScanner::ChooseColour() {
  constexpr size_t kCodePoints = 4;
  if (!cicp_.empty() && cicp_.size() != kCodePoints) {
    picture_.warnings.push_back(UnusableProfile("its chunk cICP is malformed"));
    return;
  }
  if (!cicp_.empty()) {
    picture_.colour = ColourKind::kCicp;
    picture_.colour_data = cicp_;
    return;
  }
  if (!iccp_.empty()) {
    const size_t name_end = iccp_.find('\0');
    const bool deflated =
        name_end != std::string_view::npos && iccp_.substr(name_end).starts_with("\0\0"sv);
    if (deflated && iccp_.size() - name_end - 2 <= kMaxProfileBytes) {
      picture_.colour = ColourKind::kDeflatedIcc;
      picture_.colour_data = iccp_.substr(name_end + 2);
    } else {
      picture_.warnings.push_back(UnusableProfile("its chunk is malformed or too large"));
    }
    return;
  }
  if (!srgb_.empty()) return;
  if (gamma_.size() == 4) {
    picture_.colour = ColourKind::kGamma;
    picture_.colour_data = gamma_;
    if (primaries_.size() == 32) picture_.colour_data += primaries_;
  } else if (exif_.adobe_rgb) {
    picture_.colour = ColourKind::kAdobeRgb;
  }
}

absl::StatusOr<ScannedPicture> PngScanner::Finish() {
  if (!has_header_) {
    return absl::InvalidArgumentError(
        fmt::format("the PNG ends at byte {}, before its header is complete", bytes_.size()));
  }
  if (!has_data_) return absl::InvalidArgumentError("is not a valid PNG: it has no pixels");
  picture_.stripped += ToBigEndian(0);
  picture_.stripped += "IEND\xae\x42\x60\x82";
  picture_.ends_early = !has_end_;
  if (!has_end_) Warn(fmt::format("the PNG ends at byte {}, before its end chunk", bytes_.size()));
  if (exif_.orientation != 0) picture_.orientation = exif_.orientation;
  ChooseColour();
  return std::move(picture_);
}

}  // namespace

absl::StatusOr<ScannedPicture> ScanPng(std::string_view bytes, const PictureLimits& limits) {
  return PngScanner(bytes, limits).Scan();
}

}  // namespace vico::server
