// The main function of a process that decodes one picture, confined.
#pragma once

#include "server/pictures/decoder/confine.h"
#include "server/pictures/decoder/decode.h"

namespace vico::server {

/// Exit codes of such a program; others are of signals.
inline constexpr int kHelperAnswered = 0;
inline constexpr int kHelperUsage = 2;
inline constexpr int kHelperCannotConfine = 3;  ///< why is on standard error
inline constexpr int kHelperBadJob = 4;         ///< the other side speaks another protocol, or left

using Decode = DecodeOutcome (*)(const DecodeJob& job, Pixels& pixels);

/// Without arguments: confines itself, reads one job from descriptor 0, decodes it with `decode`,
/// writes the answer to descriptor 1 and ends. "--unconfined": the same with full rights.
/// "--probe": confines itself and then opens a file, of which it must die by SIGSYS; it ends with
/// kHelperCannotConfine otherwise. Never returns.
[[noreturn]] void RunDecodeHelper(int argc, char** argv, Decode decode,
                                  const ConfineLimits& limits = {});

}  // namespace vico::server
