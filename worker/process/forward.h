// The three kinds of call, from the request that the engine gets to its end. Each passes what the
// engine sends to callbacks, on the calling thread, and answers its questions.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "vico/engine/v1/engine.pb.h"
#include "worker/engine/engine.h"
#include "worker/process/engine_call.h"

namespace vico::worker {

engine::v1::ToEngine RequestOf(const v1::TrainSpec& spec, const std::vector<std::string>& pictures,
                               const TrainCallbacks& callbacks);
engine::v1::ToEngine RequestOf(const v1::GenerateSpec& spec, const GenerationInputs& inputs);
engine::v1::ToEngine RequestOf(const v1::EvaluateSpec& spec, const AdapterSource& adapter,
                               const std::vector<std::string>& pictures);

/// Returns the engine's own error, or that of EngineCall if the engine is lost.
absl::StatusOr<TrainedAdapter> ForwardTraining(EngineCall& call, const TrainCallbacks& callbacks);
absl::StatusOr<bool> ForwardGeneration(EngineCall& call, const GenerationInputs& inputs,
                                       const GenerateCallbacks& callbacks);
absl::StatusOr<EvaluatedAdapter> ForwardEvaluation(EngineCall& call, const AdapterSource& adapter,
                                                   const EvaluateCallbacks& callbacks);

}  // namespace vico::worker
