// A decoder that runs in the process of the test.
#pragma once

#include "server/pictures/decoder/decode.h"
#include "server/pictures/intake.h"
#include "server/pictures/picture_decoder.h"
#include "server/pictures/scan/decode_report.h"

namespace vico::server {

/// What vico-decode gets of `picture`, which must outlive it.
inline DecodeJob JobOf(const ScannedPicture& picture) {
  return {.file = picture.stripped,
          .width = picture.width,
          .height = picture.height,
          .orientation = picture.orientation,
          .shrink = picture.shrink,
          .colour = picture.colour,
          .colour_data = picture.colour_data};
}

/// Decodes on the caller's thread, unconfined.
class DirectDecoder final : public PictureDecoder {
 public:
  absl::StatusOr<Pixels> Decode(const ScannedPicture& picture) override {
    Pixels pixels;
    const DecodeOutcome outcome = DecodePicture(JobOf(picture), pixels);
    if (absl::Status error = DecodeError(picture, outcome, pixels.notes); !error.ok()) return error;
    return pixels;
  }
};

/// The picture as the server stores it, decoded in the process of the test.
inline absl::StatusOr<NormalisedPicture> Normalise(std::string_view bytes) {
  DirectDecoder decoder;
  return NormalisePicture(bytes, decoder);
}

}  // namespace vico::server
