// A training on LibTorch: from picture files to an adapter file, with samples and masks during the
// training.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "worker/engine/engine.h"
#include "worker/engine/loaded_base.h"

namespace vico::worker {

/// Engine::Train for one base model. Throws c10::Error where LibTorch does.
absl::StatusOr<TrainedAdapter> TrainOn(LoadedBase& loaded, const v1::TrainSpec& spec,
                                       const std::vector<std::string>& pictures,
                                       const std::string& code_version,
                                       const TrainCallbacks& callbacks);

}  // namespace vico::worker
