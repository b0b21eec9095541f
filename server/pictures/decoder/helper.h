// The main function of the confined process that decodes one picture.
#pragma once

#include "server/pictures/decoder/confine.h"
#include "server/pictures/decoder/decode.h"

namespace vico::server {

/// Exit codes of the program.
inline constexpr int kHelperAnswered = 0;
inline constexpr int kHelperUsage = 2;
inline constexpr int kHelperCannotConfine = 3;  ///< the reason is on standard error
inline constexpr int kHelperBadJob = 4;  ///< the server sent another protocol or closed the socket

using Decode = DecodeOutcome (*)(const DecodeJob& job, Pixels& pixels);

/// Without arguments: confines itself, reads one job from descriptor 0, decodes it with `decode`,
/// writes the answer to descriptor 1 and exits. "--unconfined": the same without confinement.
/// "--probe": confines itself and opens a file, which must kill it with SIGSYS; otherwise it exits
/// with kHelperCannotConfine. Never returns.
[[noreturn]] void RunDecodeHelper(int argc, char** argv, Decode decode,
                                  const ConfineLimits& limits = {});

}  // namespace vico::server
