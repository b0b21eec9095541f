// The engine's end of the channel: runs the worker's requests, one job at a time.
#pragma once

#include <absl/status/status.h>

#include "worker/engine/engine.h"
#include "worker/process/frame_channel.h"

namespace vico::worker {

/// Sends the offers, then serves requests until the worker closes the channel, which is OK. Returns
/// an error if the channel breaks during a job; the process should end then.
absl::Status ServeEngine(Engine& engine, FrameChannel& channel);

/// Reports to the worker that the engine could not be opened.
absl::Status RefuseToServe(const absl::Status& why, FrameChannel& channel);

}  // namespace vico::worker
