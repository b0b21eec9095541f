// Decodes in the test's own process.
#pragma once

#include "server/pictures/decoder/decode.h"
#include "server/pictures/picture_decoder.h"

namespace vico::server {

/// Decodes on the caller's thread, unguarded.
class DirectDecoder final : public PictureDecoder {
 public:
  absl::StatusOr<Pixels> Decode(const ScannedPicture& picture) override {
    Pixels pixels;
    const DecodeOutcome outcome = DecodePicture({.file = picture.stripped,
                                                 .width = picture.width,
                                                 .height = picture.height,
                                                 .orientation = picture.orientation},
                                                pixels);
    if (outcome != DecodeOutcome::kDecoded) return absl::InvalidArgumentError("does not decode");
    return pixels;
  }
};

}  // namespace vico::server
