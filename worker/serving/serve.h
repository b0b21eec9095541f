// The three kinds of call: each runs the engine with callbacks that become notes and questions, and
// returns the call's end.
#pragma once

#include "vico/engine/v1/engine.pb.h"
#include "worker/engine/engine.h"
#include "worker/serving/served_call.h"

namespace vico::worker {

engine::v1::FromEngine ServeTraining(Engine& engine, ServedCall& call,
                                     const engine::v1::Train& request);
engine::v1::FromEngine ServeGeneration(Engine& engine, ServedCall& call,
                                       const engine::v1::Generate& request);
engine::v1::FromEngine ServeEvaluation(Engine& engine, ServedCall& call,
                                       const engine::v1::Evaluate& request);

}  // namespace vico::worker
