#include "server/intake/intake.h"

#include <fmt/format.h>
#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include "common/status.h"

namespace vico {
namespace {

/// `pixels` as a PNG file of ours.
absl::StatusOr<std::string> EncodePng(const Pixels& pixels) {
  const cv::Mat image(pixels.height, pixels.width, CV_8UC3,
                      const_cast<uint8_t*>(pixels.bgr.data()));
  std::vector<uchar> png;
  try {
    if (!cv::imencode(".png", image, png, {cv::IMWRITE_PNG_COMPRESSION, 3})) {
      return absl::InternalError("a decoded picture could not be encoded as PNG");
    }
  } catch (const cv::Exception&) {
    return absl::ResourceExhaustedError("a decoded picture could not be encoded as PNG");
  }
  return std::string(png.begin(), png.end());
}

}  // namespace

void EncodeOnCallersThread() { cv::setNumThreads(1); }

absl::StatusOr<TakenPicture> TakePicture(std::string_view bytes, PictureDecoder& decoder,
                                         const PictureLimits& limits) {
  ASSIGN_OR_RETURN(const ScannedPicture scanned, ScanPicture(bytes, limits));
  ASSIGN_OR_RETURN(const Pixels pixels, decoder.Decode(scanned));
  TakenPicture taken;
  ASSIGN_OR_RETURN(taken.png, EncodePng(pixels));
  taken.width = pixels.width;
  taken.height = pixels.height;
  taken.fingerprint = FingerprintOf(pixels);
  return taken;
}

absl::Status PictureError(std::string_view field, const absl::Status& error) {
  if (absl::IsInvalidArgument(error)) return FieldError(field, ToStd(error.message()));
  return WithReason(
      absl::Status(error.code(), ToAbsl(fmt::format("{}: {}", field, ToStd(error.message())))),
      Reason(error));
}

}  // namespace vico
