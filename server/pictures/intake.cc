#include "server/pictures/intake.h"

#include <fmt/format.h>
#include <opencv2/core.hpp>

#include "common/status.h"
#include "server/pictures/decode_report.h"
#include "server/pictures/png.h"

namespace vico::server {

void EncodeOnCallersThread() { cv::setNumThreads(1); }

absl::StatusOr<NormalisedPicture> NormalisePicture(std::string_view bytes, PictureDecoder& decoder,
                                                   const PictureLimits& limits) {
  ASSIGN_OR_RETURN(const ScannedPicture scanned, ScanPicture(bytes, limits));
  ASSIGN_OR_RETURN(const Pixels pixels, decoder.Decode(scanned));
  NormalisedPicture normalised;
  ASSIGN_OR_RETURN(normalised.png, EncodePng(pixels));
  normalised.width = pixels.width;
  normalised.height = pixels.height;
  normalised.fingerprint = FingerprintOf(pixels);
  normalised.warnings = WarningsOf(scanned, pixels.notes);
  return normalised;
}

absl::Status PictureError(std::string_view field, const absl::Status& error) {
  if (absl::IsInvalidArgument(error)) return FieldError(field, ToStd(error.message()));
  return WithReason(
      absl::Status(error.code(), ToAbsl(fmt::format("{}: {}", field, ToStd(error.message())))),
      Reason(error));
}

}  // namespace vico::server
