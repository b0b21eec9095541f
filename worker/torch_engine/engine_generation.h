// A generation on LibTorch: from a spec and picture files to finished pictures.
#pragma once

#include <absl/status/statusor.h>

#include "worker/engine/engine.h"
#include "worker/engine/loaded_adapter.h"
#include "worker/engine/loaded_base.h"
#include "worker/personalize/passes.h"

namespace vico::worker {

/// What a generation draws with.
struct DrawWith {
  LoadedBase& loaded;
  LoadedAdapter* adapter = nullptr;  ///< null: the base model alone
  Passes* passes = nullptr;          ///< turns on the device; null: the caller has the device
};

/// Engine::Generate for one base model; the adapter of `inputs` is not read. Draws the pictures of
/// one prompt at a time, so that they have the bits of a job with that prompt only. Throws as
/// GeneratePictures() does.
absl::StatusOr<bool> GenerateOn(const DrawWith& with, const v1::GenerateSpec& spec,
                                const GenerationInputs& inputs, const GenerateCallbacks& callbacks);

}  // namespace vico::worker
