// A generation on LibTorch: from a spec and picture files to finished pictures.
#pragma once

#include <absl/status/statusor.h>

#include "worker/engine/engine.h"
#include "worker/engine/loaded_adapter.h"
#include "worker/engine/loaded_base.h"

namespace vico::worker {

/// Engine::Generate for one base model; `adapter` is null for the base model alone, and that of
/// `inputs` is not read. Draws the pictures of one prompt at a time, so that they have the bits of
/// a job with that prompt only. Throws as GeneratePictures() does.
absl::StatusOr<bool> GenerateOn(LoadedBase& loaded, LoadedAdapter* adapter,
                                const v1::GenerateSpec& spec, const GenerationInputs& inputs,
                                const GenerateCallbacks& callbacks);

}  // namespace vico::worker
