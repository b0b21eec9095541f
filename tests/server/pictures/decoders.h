// The decoder process of tests.
#pragma once

#include "server/pictures/decoder_process.h"

namespace vico::server {

/// Sanitizer builds decode unconfined, since their runtime needs more system calls and memory.
#ifdef VICO_SANITIZED
inline constexpr bool kCanConfine = false;
#else
inline constexpr bool kCanConfine = true;
#endif

inline DecoderOptions TestDecoder() {
  return {.program = VICO_DECODE_BINARY, .unconfined = !kCanConfine};
}

}  // namespace vico::server
