// A decoder that runs in the process of the test.
#pragma once

#include "server/pictures/decoder/decode.h"
#include "server/pictures/picture_decoder.h"

namespace vico::server {

/// Decodes on the caller's thread, unconfined.
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
