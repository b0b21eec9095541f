// An engine that breaks the rules of the channel. It sends Hello, waits for the first request and
// then sends what `how` says.
#pragma once

#include <string_view>

#include "worker/process/frame_channel.h"

namespace vico::worker {

/// "unknown call": a message of a call that was never begun; "hello": a second one; "nothing": an
/// empty message; "two questions": a second before the answer; "notes": one more than may be open;
/// "after the end": a note of the call after its end; "another kind": a training's end; "silent".
/// Returns the exit code.
int RunHostileEngine(std::string_view how, FrameChannel& channel);

}  // namespace vico::worker
