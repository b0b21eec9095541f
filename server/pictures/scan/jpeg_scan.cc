// Scans JPEG: markers with segments, and coded data from each start of scan to the next marker.
#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "common/status.h"
#include "server/pictures/scan/exif.h"
#include "server/pictures/scan/jpeg_frame.h"
#include "server/pictures/scan/picture_scan.h"

namespace vico::server {
namespace {

using std::string_view_literals::operator""sv;

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
  kApp2 = 0xe2,   // ICC profile
  kApp14 = 0xee,  // Adobe: defines the colour space of three and four channels
  kTem = 0x01,
};

size_t Short(std::string_view bytes, size_t at) {
  return static_cast<size_t>(JpegByte(bytes, at) << 8 | JpegByte(bytes, at + 1));
}

absl::Status Invalid(std::string_view what, size_t at) {
  return absl::InvalidArgumentError(fmt::format("is not a valid JPEG: {} at byte {}", what, at));
}

/// The end of the coded data at `at`: the next marker that is not part of it.
size_t EndOfScan(std::string_view bytes, size_t at) {
  while (at + 1 < bytes.size()) {
    at = bytes.find('\xff', at);
    if (at == std::string_view::npos || at + 1 >= bytes.size()) break;
    const int next = JpegByte(bytes, at + 1);
    if (next != 0 && next != 0xff && (next < kRst0 || next > kRst7)) return at;
    at += next == 0xff ? 1 : 2;
  }
  return bytes.size();
}

/// A profile that is split over several segments, each with its number and their count.
class SplitProfile {
 public:
  void Add(std::string_view part) {
    constexpr size_t kNumbers = 2;
    if (part.size() < kNumbers) return;
    count_ = JpegByte(part, 1);
    const bool added = parts_.emplace(JpegByte(part, 0), part.substr(kNumbers)).second;
    broken_ = broken_ || !added;
    size_ += part.size() - kNumbers;
  }

  bool empty() const { return parts_.empty(); }

  /// Null when a part is missing or comes twice, or when they have too many bytes. A writer of one
  /// part may number it as it likes.
  std::optional<std::string> Joined() const {
    const bool whole =
        parts_.size() == 1 || (parts_.size() == static_cast<size_t>(count_) &&
                               parts_.begin()->first == 1 && parts_.rbegin()->first == count_);
    if (broken_ || !whole || size_ > kMaxProfileBytes) return std::nullopt;
    std::string profile;
    for (const auto& [number, bytes] : parts_) profile += bytes;
    return profile;
  }

 private:
  std::map<int, std::string_view> parts_;
  int count_ = 0;
  bool broken_ = false;
  size_t size_ = 0;
};

class JpegScanner {
 public:
  JpegScanner(std::string_view bytes, const PictureLimits& limits)
      : bytes_(bytes), limits_(limits) {
    picture_.format = PictureFormat::kJpeg;
  }

  absl::StatusOr<ScannedPicture> Scan();

 private:
  absl::Status ReadMarker();
  absl::Status ReadSegment(int marker, std::string_view segment, std::string_view whole);
  absl::Status ReadFrame(std::string_view segment, std::string_view whole);
  absl::Status ReadScan(std::string_view segment, std::string_view whole);
  void ReadApplication(int marker, std::string_view segment, std::string_view whole);
  absl::Status AfterScans(const absl::Status& error, size_t at);
  absl::StatusOr<ScannedPicture> Finish();
  void Warn(std::string text) { picture_.warnings.push_back({kPictureDamaged, std::move(text)}); }

  const std::string_view bytes_;
  const PictureLimits& limits_;
  ScannedPicture picture_;
  size_t at_ = 2;  // after the start of image
  std::optional<JpegFrame> frame_;
  bool progressive_ = false;
  bool has_adobe_ = false;
  bool has_end_ = false;
  bool has_stray_bytes_ = false;
  int scans_ = 0;
  size_t restart_interval_ = 0;
  SplitProfile profile_;
  ExifFacts exif_;
};

absl::StatusOr<ScannedPicture> JpegScanner::Scan() {
  picture_.stripped.assign(bytes_.substr(0, 2));
  while (!has_end_ && at_ + 2 <= bytes_.size()) {
    const size_t start = at_;
    const absl::Status read = ReadMarker();
    if (!read.ok()) RETURN_IF_ERROR(AfterScans(read, start));
  }
  return Finish();
}

/// What follows the first scan may be anything: programs append bytes without an end marker.
/// Continues after a defect at `at` there; elsewhere it is an error.
absl::Status JpegScanner::AfterScans(const absl::Status& error, size_t at) {
  if (scans_ == 0 || !absl::IsOutOfRange(error)) {
    return absl::IsOutOfRange(error) ? absl::InvalidArgumentError(error.message()) : error;
  }
  has_stray_bytes_ = true;
  at_ = std::min(bytes_.find('\xff', at + 1), bytes_.size());
  return absl::OkStatus();
}

/// kOutOfRange: a defect that a reader may skip.
absl::Status JpegScanner::ReadMarker() {
  const auto skip = [&](std::string_view what) {
    return absl::OutOfRangeError(ToAbsl(ToStd(Invalid(what, at_).message())));
  };
  if (JpegByte(bytes_, at_) != 0xff) {
    // As viewers do: the next marker counts.
    has_stray_bytes_ = true;
    at_ = std::min(bytes_.find('\xff', at_), bytes_.size());
    return absl::OkStatus();
  }
  const int marker = JpegByte(bytes_, at_ + 1);
  if (marker == 0xff) {  // fill byte
    ++at_;
    return absl::OkStatus();
  }
  if (marker == kEoi && scans_ > 0) {
    has_end_ = true;
    return absl::OkStatus();
  }
  if (marker == kSoi && scans_ > 0) {  // of another picture
    at_ = bytes_.size();
    return absl::OkStatus();
  }
  if (marker == kEoi) return absl::InvalidArgumentError("is not a valid JPEG: it has no pixels");
  if (marker == 0 || marker == kTem || (marker >= kRst0 && marker <= kRst7)) {
    has_stray_bytes_ = true;
    at_ += 2;
    return absl::OkStatus();
  }
  if (marker == kSoi) return Invalid("a second start of image", at_);
  if (at_ + 4 > bytes_.size()) return skip("the file ends in a marker");
  const size_t length = Short(bytes_, at_ + 2);  // of the segment, including these two bytes
  if (length < 2) return skip("a segment without a length");
  if (length > bytes_.size() - at_ - 2) {
    return skip(fmt::format("the file of {} bytes ends in the segment", bytes_.size()));
  }
  const std::string_view segment = bytes_.substr(at_ + 4, length - 2);
  const std::string_view whole = bytes_.substr(at_, length + 2);
  at_ += length + 2;
  return ReadSegment(marker, segment, whole);
}

absl::Status JpegScanner::ReadSegment(int marker, std::string_view segment,
                                      std::string_view whole) {
  if (marker == kSof0 || marker == kSof1 || marker == kSof2) {
    progressive_ = marker == kSof2;
    return ReadFrame(segment, whole);
  }
  if (marker == kDac || (marker > kSof2 && marker <= kSof15 && marker != kDht)) {
    return absl::InvalidArgumentError(
        "is a lossless, hierarchical or arithmetic-coded JPEG, which is not accepted; save it as a "
        "usual JPEG");
  }
  if (marker == kSos) return ReadScan(segment, whole);
  if (marker == kDri && segment.size() == 2) restart_interval_ = Short(segment, 0);
  if (marker == kDht || marker == kDqt || marker == kDri) {
    picture_.stripped += whole;
  } else {
    ReadApplication(marker, segment, whole);
  }
  return absl::OkStatus();
}

absl::Status JpegScanner::ReadFrame(std::string_view segment, std::string_view whole) {
  if (frame_) return absl::InvalidArgumentError("is not a valid JPEG: two frames");
  ASSIGN_OR_RETURN(frame_, ReadJpegFrame(segment));
  if (frame_->height == 0) {
    return absl::InvalidArgumentError(
        "is a JPEG whose header gives no height, which is not accepted; save it again");
  }
  picture_.width = frame_->width;
  picture_.height = frame_->height;
  picture_.channels = static_cast<int>(frame_->components.size());
  picture_.stripped += whole;
  return CheckSize(picture_, limits_);
}

absl::Status JpegScanner::ReadScan(std::string_view segment, std::string_view whole) {
  if (!frame_) return absl::InvalidArgumentError("is not a valid JPEG: a scan, no frame");
  if (picture_.channels == 4 && !has_adobe_) {
    return absl::InvalidArgumentError(
        "is a four-channel JPEG that does not say which colours they are; save it as RGB");
  }
  if (++scans_ > limits_.max_scans) {
    return absl::InvalidArgumentError(
        fmt::format("has more than {} JPEG scans", limits_.max_scans));
  }
  const std::vector<size_t> components = ComponentsOfScan(*frame_, segment);
  for (const size_t component : components) frame_->components[component].has_scan = true;
  const uint64_t coefficients = CoefficientBytes(*frame_);
  if ((progressive_ || components.size() < frame_->components.size()) &&
      coefficients > limits_.max_coefficient_bytes) {
    return absl::InvalidArgumentError(fmt::format(
        "is a progressive JPEG of {} x {} pixels that needs {} bytes to decode, more than {}; save "
        "it as baseline JPEG",
        picture_.width, picture_.height, coefficients, limits_.max_coefficient_bytes));
  }
  const size_t end = EndOfScan(bytes_, at_);
  std::string data(bytes_.substr(at_, end - at_));
  if (NumberRestarts(data, UnitsOfScan(*frame_, components), restart_interval_)) {
    Warn("the JPEG's restart markers have wrong numbers");
  }
  picture_.stripped += whole;
  picture_.stripped += data;
  at_ = end;
  return absl::OkStatus();
}

void JpegScanner::ReadApplication(int marker, std::string_view segment, std::string_view whole) {
  constexpr auto kProfile = "ICC_PROFILE\0"sv;
  constexpr auto kExif = "Exif\0"sv;
  constexpr size_t kAdobeSize = 12;  // the least that libjpeg reads
  if (marker == kApp0) {
    picture_.stripped += whole;
  } else if (marker == kApp14 && segment.starts_with("Adobe") && segment.size() >= kAdobeSize) {
    has_adobe_ = true;
    picture_.stripped += whole;
  } else if (marker == kApp1 && segment.starts_with(kExif)) {
    Merge(ReadExif(segment), exif_);
  } else if (marker == kApp2 && segment.starts_with(kProfile)) {
    profile_.Add(segment.substr(kProfile.size()));
  }
}

absl::StatusOr<ScannedPicture> JpegScanner::Finish() {
  if (scans_ == 0) {
    return absl::InvalidArgumentError(
        fmt::format("the JPEG ends at byte {}, before its pixels", bytes_.size()));
  }
  for (size_t i = 0; i < frame_->components.size(); ++i) {
    if (frame_->components[i].has_scan) continue;
    return absl::InvalidArgumentError(
        fmt::format("the JPEG has no data for channel {} of {}; the file is incomplete", i + 1,
                    frame_->components.size()));
  }
  if (!has_end_) RETURN_IF_ERROR(CheckWritten(bytes_, bytes_.size()));
  picture_.stripped += "\xff\xd9";
  picture_.ends_early = !has_end_;
  if (!has_end_) Warn("the JPEG lacks its end marker");
  if (has_stray_bytes_) Warn("the JPEG has stray bytes between its parts");
  if (exif_.orientation != 0) picture_.orientation = exif_.orientation;
  if (!profile_.empty()) {
    if (std::optional<std::string> profile = profile_.Joined()) {
      picture_.colour = ColourKind::kIcc;
      picture_.colour_data = *std::move(profile);
    } else {
      picture_.warnings.push_back(UnusableProfile("its parts are incomplete or too large"));
    }
  } else if (exif_.adobe_rgb) {
    picture_.colour = ColourKind::kAdobeRgb;
  }
  return std::move(picture_);
}

}  // namespace

absl::StatusOr<ScannedPicture> ScanJpeg(std::string_view bytes, const PictureLimits& limits) {
  return JpegScanner(bytes, limits).Scan();
}

}  // namespace vico::server
