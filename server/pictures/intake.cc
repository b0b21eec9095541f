#include "server/pictures/intake.h"

#include <fmt/format.h>
#include <opencv2/core.hpp>

#include "common/status.h"
#include "server/pictures/png.h"

namespace vico::server {
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

}  // namespace vico::server
