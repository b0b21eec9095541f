// Callbacks of a job that keeps a turn on the device: the slow ones, and those between two steps,
// are called without the turn, so that other jobs use the device meanwhile.
#pragma once

#include "worker/engine/engine.h"
#include "worker/personalize/device_turns.h"

namespace vico::worker {

/// `held` must outlive the result.
TrainCallbacks WithoutTurn(const TrainCallbacks& callbacks, HeldTurn& held);
EvaluateCallbacks WithoutTurn(const EvaluateCallbacks& callbacks, HeldTurn& held);

}  // namespace vico::worker
