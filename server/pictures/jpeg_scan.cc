// Scans JPEG: markers with segments, and coded data from each start of scan to the next marker.
#include <fmt/format.h>

#include "server/pictures/picture_scan.h"

namespace vico::server {
namespace {

enum Marker : unsigned char {
  kSof0 = 0xc0,  // baseline
  kSof1 = 0xc1,  // extended
  kSof2 = 0xc2,  // progressive
  kDht = 0xc4,
  kJpg = 0xc8,
  kDac = 0xcc,
  kSof15 = 0xcf,
  kRst0 = 0xd0,
  kRst7 = 0xd7,
  kSoi = 0xd8,
  kEoi = 0xd9,
  kSos = 0xda,
  kDqt = 0xdb,
  kDri = 0xdd,
  kApp0 = 0xe0,   // JFIF: defines the colour space of three channels
  kApp1 = 0xe1,   // EXIF
  kApp14 = 0xee,  // Adobe: defines the colour space of three and four channels
  kTem = 0x01,
};

int Byte(std::string_view bytes, size_t at) { return static_cast<unsigned char>(bytes[at]); }
size_t Short(std::string_view bytes, size_t at) {
  return static_cast<size_t>(Byte(bytes, at) << 8 | Byte(bytes, at + 1));
}

absl::Status Truncated() { return absl::InvalidArgumentError("the JPEG ends early"); }

absl::Status ReadFrame(std::string_view segment, ScannedPicture& picture) {
  if (segment.size() < 6)
    return absl::InvalidArgumentError("is not a valid JPEG: bad frame header");
  if (Byte(segment, 0) != 8) {
    return absl::InvalidArgumentError(
        fmt::format("is a JPEG with {} bits per channel; only 8 are accepted", Byte(segment, 0)));
  }
  picture.height = static_cast<uint32_t>(Short(segment, 1));
  picture.width = static_cast<uint32_t>(Short(segment, 3));
  picture.channels = Byte(segment, 5);
  if (picture.channels != 1 && picture.channels != 3 && picture.channels != 4) {
    return absl::InvalidArgumentError(
        fmt::format("is a JPEG with {} channels; only 1, 3 and 4 are accepted", picture.channels));
  }
  if (segment.size() != 6 + 3 * static_cast<size_t>(picture.channels)) {
    return absl::InvalidArgumentError("is not a valid JPEG: bad frame header");
  }
  return absl::OkStatus();
}

/// The end of the coded data at `at`: the next marker that is not part of it.
size_t EndOfScan(std::string_view bytes, size_t at) {
  while (at + 1 < bytes.size()) {
    at = bytes.find('\xff', at);
    if (at == std::string_view::npos || at + 1 >= bytes.size()) break;
    const int next = Byte(bytes, at + 1);
    if (next != 0 && next != 0xff && (next < kRst0 || next > kRst7)) return at;
    at += next == 0xff ? 1 : 2;
  }
  return bytes.size();
}

}  // namespace

absl::StatusOr<ScannedPicture> ScanJpeg(std::string_view bytes, const PictureLimits& limits) {
  ScannedPicture picture;
  picture.stripped.assign(bytes.substr(0, 2));  // start of image
  bool has_frame = false;
  bool has_adobe = false;
  int scans = 0;
  size_t at = 2;
  while (true) {
    if (at + 2 > bytes.size()) return Truncated();
    if (Byte(bytes, at) != 0xff) {
      return absl::InvalidArgumentError("is not a valid JPEG: no marker where one must be");
    }
    const int marker = Byte(bytes, at + 1);
    if (marker == 0xff) {  // fill byte
      ++at;
      continue;
    }
    if (marker == kEoi) {
      if (scans == 0) return absl::InvalidArgumentError("is not a valid JPEG: it has no pixels");
      picture.stripped += bytes.substr(at, 2);
      return picture;  // later bytes are not part of the picture
    }
    if (marker == 0 || marker == kSoi || marker == kTem || (marker >= kRst0 && marker <= kRst7)) {
      return absl::InvalidArgumentError("is not a valid JPEG: a marker out of place");
    }
    if (at + 4 > bytes.size()) return Truncated();
    const size_t length = Short(bytes, at + 2);  // of the segment, including these two bytes
    if (length < 2) return absl::InvalidArgumentError("is not a valid JPEG: bad segment");
    if (length > bytes.size() - at - 2) return Truncated();
    const std::string_view segment = bytes.substr(at + 4, length - 2);
    const std::string_view whole = bytes.substr(at, length + 2);
    at += length + 2;

    if (marker == kSof0 || marker == kSof1 || marker == kSof2) {
      if (has_frame) return absl::InvalidArgumentError("is not a valid JPEG: two frames");
      if (absl::Status read = ReadFrame(segment, picture); !read.ok()) return read;
      if (absl::Status fits = CheckSize(picture, limits); !fits.ok()) return fits;
      has_frame = true;
      picture.stripped += whole;
    } else if (marker == kDac || (marker > kSof2 && marker <= kSof15 && marker != kDht)) {
      return absl::InvalidArgumentError(
          "is a lossless, hierarchical or arithmetic-coded JPEG, which is not accepted");
    } else if (marker == kSos) {
      if (!has_frame) return absl::InvalidArgumentError("is not a valid JPEG: a scan, no frame");
      if (picture.channels == 4 && !has_adobe) {
        return absl::InvalidArgumentError(
            "is a four-channel JPEG that does not say which colours they are; save it as RGB");
      }
      if (++scans > limits.max_scans) {
        return absl::InvalidArgumentError(
            fmt::format("has more than {} JPEG scans", limits.max_scans));
      }
      const size_t end = EndOfScan(bytes, at);
      picture.stripped += whole;
      picture.stripped += bytes.substr(at, end - at);
      at = end;
    } else if (marker == kDht || marker == kDqt || marker == kDri || marker == kApp0) {
      picture.stripped += whole;
    } else if (marker == kApp14 && segment.starts_with("Adobe")) {
      has_adobe = true;
      picture.stripped += whole;
    } else if (marker == kApp1 && segment.starts_with(std::string_view("Exif\0\0", 6))) {
      picture.orientation = ExifOrientation(segment.substr(6));
    }
  }
}

}  // namespace vico::server
