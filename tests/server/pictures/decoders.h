// The process that a server under test decodes with.
#pragma once

#include "server/pictures/decoder/decoder_process.h"

namespace vico::server {

/// A sanitizer's runtime needs more system calls and memory than a confined process has.
#ifdef VICO_SANITIZED
inline constexpr bool kCanConfine = false;
#else
inline constexpr bool kCanConfine = true;
#endif

inline DecoderOptions TestDecoder() {
  return {.program = VICO_DECODE_BINARY, .unconfined = !kCanConfine};
}

}  // namespace vico::server
