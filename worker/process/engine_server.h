// The engine's side of the channel: does what the worker asks, one job at a time.
#pragma once

#include <absl/status/status.h>

#include "worker/engine/engine.h"
#include "worker/process/frame_channel.h"

namespace vico::worker {

/// Says hello, then serves until the worker closes the channel, which is OK. An error when the
/// channel breaks in the middle of a job: the process has nothing left to do then.
absl::Status ServeEngine(Engine& engine, FrameChannel& channel);

/// Says that the engine could not be opened.
absl::Status RefuseToServe(const absl::Status& why, FrameChannel& channel);

}  // namespace vico::worker
