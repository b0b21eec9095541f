// A training on LibTorch: decoded pictures in, adapter file out, with samples and masks on the way.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "worker/engine/engine.h"
#include "worker/engine/loaded_base.h"
#include "worker/train/trainer.h"

namespace vico::worker {

/// What the trainer is told. kInvalidArgument naming train.sites or train.dialect where this base
/// model lacks what they ask for.
absl::StatusOr<TrainOptions> TrainOptionsOf(const Base& base, const v1::TrainSpec& spec);

/// As Engine::Train, for one base model; throws c10::Error where LibTorch does.
absl::StatusOr<TrainedAdapter> TrainOn(LoadedBase& loaded, const v1::TrainSpec& spec,
                                       const std::vector<std::string>& pictures,
                                       const std::string& code_version,
                                       const TrainCallbacks& callbacks);

}  // namespace vico::worker
