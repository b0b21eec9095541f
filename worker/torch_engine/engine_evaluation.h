// An evaluation on LibTorch: draws the same prompts and seeds with the base model alone and with
// the adapter, and measures both.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "worker/engine/engine.h"
#include "worker/engine/loaded_adapter.h"
#include "worker/engine/loaded_base.h"
#include "worker/evaluation/judge.h"

namespace vico::worker {

/// Engine::Evaluate for one base model. A figure that two judges give is the first one's. Throws as
/// GeneratePictures() and LearnedMasks() do.
absl::StatusOr<EvaluatedAdapter> EvaluateOn(LoadedBase& loaded, LoadedAdapter& adapter,
                                            const std::vector<Judge*>& judges,
                                            const v1::EvaluateSpec& spec,
                                            const std::vector<std::string>& pictures,
                                            const EvaluateCallbacks& callbacks);

}  // namespace vico::worker
