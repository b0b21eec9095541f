// Scans PNG: a signature, then chunks of length, type, data and CRC.
#include <fmt/format.h>
#include <zlib.h>

#include "server/pictures/picture_scan.h"

namespace vico::server {
namespace {

constexpr size_t kSignatureSize = 8;

uint32_t BigEndian(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
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
  const absl::StatusOr<int> channels = Channels(static_cast<unsigned char>(data[9]), bit_depth);
  if (!channels.ok()) return channels.status();
  picture.channels = *channels;
  picture.bit_depth = bit_depth == 16 ? 16 : 8;
  if (data[10] != 0 || data[11] != 0 || static_cast<unsigned char>(data[12]) > 1) {
    return absl::InvalidArgumentError("is not a valid PNG: unknown compression or interlacing");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ScannedPicture> ScanPng(std::string_view bytes, const PictureLimits& limits) {
  ScannedPicture picture;
  picture.stripped.assign(bytes.substr(0, kSignatureSize));
  bool has_header = false;
  bool has_data = false;
  size_t at = kSignatureSize;
  while (true) {
    if (bytes.size() < at + 12) return absl::InvalidArgumentError("the PNG ends early");
    const uint32_t length = BigEndian(bytes, at);
    if (length > bytes.size() - at - 12) {
      return absl::InvalidArgumentError("the PNG ends early");
    }
    const std::string_view type = bytes.substr(at + 4, 4);
    const std::string_view data = bytes.substr(at + 8, length);
    const auto crc = crc32(0, reinterpret_cast<const Bytef*>(type.data()), length + 4);
    if (crc != BigEndian(bytes, at + 8 + length)) {
      return absl::InvalidArgumentError("the PNG is damaged: a checksum does not match");
    }
    const std::string_view chunk = bytes.substr(at, length + 12);
    at += length + 12;

    if (has_header != (type != "IHDR")) {
      return absl::InvalidArgumentError("is not a valid PNG: it must have one header, first");
    }
    if (type == "IHDR") {
      if (absl::Status read = ReadHeader(data, picture); !read.ok()) return read;
      if (absl::Status fits = CheckSize(picture, limits); !fits.ok()) return fits;
      has_header = true;
      picture.stripped += chunk;
    } else if (type == "IEND") {
      if (!has_data) return absl::InvalidArgumentError("is not a valid PNG: it has no pixels");
      picture.stripped += chunk;
      return picture;  // later bytes are not part of the picture
    } else if (type == "IDAT" || type == "PLTE" || type == "tRNS") {
      has_data = has_data || type == "IDAT";
      picture.stripped += chunk;
    } else if (type == "eXIf") {
      picture.orientation = ExifOrientation(data);
    } else if (type == "acTL") {
      return absl::InvalidArgumentError("is an animated PNG; only still pictures are accepted");
    } else if ((static_cast<unsigned char>(type[0]) & 0x20) == 0) {
      return absl::InvalidArgumentError("is not a valid PNG: unknown critical chunk");
    }
  }
}

}  // namespace vico::server
