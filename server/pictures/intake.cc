#include "server/pictures/intake.h"

#include <string>
#include <utility>

#include <fmt/format.h>
#include <opencv2/core.hpp>

#include "common/status.h"
#include "server/pictures/png.h"
#include "server/pictures/scan/decode_report.h"

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
  const std::string reason = Reason(error);
  absl::Status answer = Error(error.code(), fmt::format("{}: {}", field, ToStd(error.message())),
                              reason.empty() ? "DECODER_FAILED" : reason);
  const bool passes = absl::IsResourceExhausted(error) || absl::IsUnavailable(error);
  return passes ? WithRetryAfter(std::move(answer), absl::Seconds(1)) : answer;
}

}  // namespace vico::server
