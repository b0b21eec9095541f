// The engine's end of the channel: runs the worker's calls, each on a thread of its own.
#pragma once

#include <absl/status/status.h>

#include "worker/engine/engine.h"
#include "worker/process/frame_channel.h"

namespace vico::worker {

/// Sends the offers, then serves calls until the worker closes the channel, which is OK. Returns an
/// error if the channel closes while calls run, or the worker breaks the rules of engine.proto; the
/// process should end then. All calls have ended when it returns.
absl::Status ServeEngine(Engine& engine, FrameChannel& channel);

/// Reports to the worker that the engine could not be opened.
absl::Status RefuseToServe(const absl::Status& why, FrameChannel& channel);

}  // namespace vico::worker
