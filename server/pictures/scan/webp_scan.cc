// Scans WebP: a RIFF header, then chunks of type, length and data, padded to an even length.
#include <utility>

#include <fmt/format.h>

#include "common/status.h"
#include "server/pictures/scan/exif.h"
#include "server/pictures/scan/picture_scan.h"

namespace vico::server {
namespace {

using std::string_view_literals::operator""sv;

constexpr size_t kHeaderSize = 12;  // "RIFF", length, "WEBP"
constexpr size_t kChunkHeader = 8;
constexpr size_t kFrameHeader = 16;  // of ANMF, before its chunks

uint32_t LittleEndian(std::string_view bytes, size_t at, size_t size) {
  uint32_t value = 0;
  for (size_t i = size; i > 0; --i) {
    value = value << 8 | static_cast<unsigned char>(bytes[at + i - 1]);
  }
  return value;
}

std::string ToLittleEndian(size_t value, size_t size) {
  std::string bytes;
  for (size_t i = 0; i < size; ++i) bytes += static_cast<char>(value >> 8 * i & 0xff);
  return bytes;
}

std::string Chunk(std::string_view type, std::string_view data) {
  std::string chunk = std::string(type) + ToLittleEndian(data.size(), 4);
  chunk += data;
  if (data.size() % 2 != 0) chunk += '\0';
  return chunk;
}

struct Size {
  uint32_t width = 0, height = 0;
  bool operator==(const Size&) const = default;
};

absl::Status Invalid(std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("is not a valid WebP: {}", what));
}

/// The size in the header of a lossy or lossless bitstream.
absl::StatusOr<Size> SizeOf(std::string_view type, std::string_view data) {
  if (type == "VP8 ") {
    const bool is_key_frame = data.size() >= 10 && (data[0] & 1) == 0;
    if (!is_key_frame || data.substr(3, 3) != "\x9d\x01\x2a"sv) return Invalid("bad lossy data");
    return Size{LittleEndian(data, 6, 2) & 0x3fff, LittleEndian(data, 8, 2) & 0x3fff};
  }
  if (data.size() < 5 || data[0] != '\x2f') return Invalid("bad lossless data");
  const uint32_t bits = LittleEndian(data, 1, 4);
  return Size{(bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1};
}

class WebpScanner {
 public:
  WebpScanner(std::string_view bytes, const PictureLimits& limits)
      : bytes_(bytes), limits_(limits) {
    picture_.format = PictureFormat::kWebp;
  }

  absl::StatusOr<ScannedPicture> Scan();

 private:
  absl::Status ReadChunks(std::string_view chunks, size_t offset);
  absl::Status ReadChunk(std::string_view type, std::string_view data, size_t at);
  absl::Status ReadExtended(std::string_view data);
  absl::Status ReadFirstFrame(std::string_view data, size_t at);
  absl::Status Finish();

  const std::string_view bytes_;
  const PictureLimits& limits_;
  ScannedPicture picture_;
  Size canvas_;  // zero without an extended header
  bool has_frame_ = false;
  std::string_view type_, pixels_, alpha_, profile_;
  ExifFacts exif_;
};

absl::StatusOr<ScannedPicture> WebpScanner::Scan() {
  RETURN_IF_ERROR(ReadChunks(bytes_.substr(kHeaderSize), kHeaderSize));
  RETURN_IF_ERROR(Finish());
  return std::move(picture_);
}

/// `offset` is where `chunks` lie in the file. The length in the file's header does not matter:
/// some programs write a wrong one.
absl::Status WebpScanner::ReadChunks(std::string_view chunks, size_t offset) {
  size_t at = 0;
  while (at + kChunkHeader <= chunks.size()) {
    const std::string_view type = chunks.substr(at, 4);
    const uint64_t length = LittleEndian(chunks, at + 4, 4);
    const size_t start = at + kChunkHeader;
    if (length > chunks.size() - start) {
      // Bytes after a whole picture are not part of it.
      if (!pixels_.empty()) break;
      return absl::InvalidArgumentError(
          fmt::format("does not decode: the WebP ends at byte {}, {} bytes early; the file is "
                      "incomplete",
                      bytes_.size(), length - (chunks.size() - start)));
    }
    RETURN_IF_ERROR(ReadChunk(type, chunks.substr(start, length), offset + start));
    at = start + length + length % 2;
  }
  return absl::OkStatus();
}

absl::Status WebpScanner::ReadChunk(std::string_view type, std::string_view data, size_t at) {
  if (type == "VP8X") return ReadExtended(data);
  if (type == "ANMF") return ReadFirstFrame(data, at);
  if (type == "VP8 " || type == "VP8L") {
    if (!pixels_.empty()) return absl::OkStatus();  // the first counts
    type_ = type;
    pixels_ = data;
    RETURN_IF_ERROR(CheckWritten(data, at + data.size()));
    ASSIGN_OR_RETURN(const Size size, SizeOf(type, data));
    if (canvas_ != Size{} && canvas_ != size) {
      return Invalid(fmt::format("its header says {} x {} pixels, its data {} x {}", canvas_.width,
                                 canvas_.height, size.width, size.height));
    }
    picture_.width = size.width;
    picture_.height = size.height;
    picture_.channels = type == "VP8L" || !alpha_.empty() ? 4 : 3;
    return CheckSize(picture_, limits_);
  }
  if (type == "ALPH" && pixels_.empty()) alpha_ = data;
  if (type == "ICCP" && profile_.empty()) profile_ = data;
  if (type == "EXIF") Merge(ReadExif(data), exif_);
  return absl::OkStatus();
}

absl::Status WebpScanner::ReadExtended(std::string_view data) {
  if (data.size() < 10 || canvas_ != Size{} || !pixels_.empty()) return Invalid("bad header");
  canvas_ = {LittleEndian(data, 4, 3) + 1, LittleEndian(data, 7, 3) + 1};
  return absl::OkStatus();
}

/// Of an animation the first picture is used.
absl::Status WebpScanner::ReadFirstFrame(std::string_view data, size_t at) {
  if (std::exchange(has_frame_, true)) return absl::OkStatus();
  if (data.size() < kFrameHeader || !pixels_.empty()) return Invalid("bad animation");
  const Size frame{LittleEndian(data, 6, 3) + 1, LittleEndian(data, 9, 3) + 1};
  if (frame != canvas_) {
    return absl::InvalidArgumentError(
        "is an animated WebP whose first picture is only a part; save one picture of it as JPEG or "
        "PNG");
  }
  picture_.warnings.push_back(
      {kPictureAnimated, "is an animated WebP, of which the first picture is used"});
  return ReadChunks(data.substr(kFrameHeader), at + kFrameHeader);
}

absl::Status WebpScanner::Finish() {
  if (pixels_.empty()) return Invalid("it has no pixels");
  std::string chunks;
  if (!alpha_.empty() && type_ == "VP8 ") {
    constexpr char kHasAlpha = 0x10;
    const std::string header = kHasAlpha + std::string(3, '\0') +
                               ToLittleEndian(picture_.width - 1, 3) +
                               ToLittleEndian(picture_.height - 1, 3);
    chunks = Chunk("VP8X", header) + Chunk("ALPH", alpha_);
  }
  chunks += Chunk(type_, pixels_);
  picture_.stripped = "RIFF" + ToLittleEndian(chunks.size() + 4, 4) + "WEBP" + chunks;
  if (exif_.orientation != 0) picture_.orientation = exif_.orientation;
  if (profile_.size() > kMaxProfileBytes) {
    picture_.warnings.push_back(UnusableProfile("it is too large"));
  } else if (!profile_.empty()) {
    picture_.colour = ColourKind::kIcc;
    picture_.colour_data = profile_;
  } else if (exif_.adobe_rgb) {
    picture_.colour = ColourKind::kAdobeRgb;
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ScannedPicture> ScanWebp(std::string_view bytes, const PictureLimits& limits) {
  return WebpScanner(bytes, limits).Scan();
}

}  // namespace vico::server
