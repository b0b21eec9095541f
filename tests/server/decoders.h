// Decoders for tests: in the test's own process, and the process that the server starts.
#pragma once

#include "server/decoder/decode.h"
#include "server/decoder/decoder_process.h"
#include "server/intake/picture_decoder.h"

namespace vico {

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

/// A sanitizer's runtime needs more system calls and memory than a confined process has.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kCanConfine = false;
#else
inline constexpr bool kCanConfine = true;
#endif

inline DecoderOptions TestDecoder() {
  return {.program = VICO_DECODE_BINARY, .unconfined = !kCanConfine};
}

}  // namespace vico
