// An adapter ready to draw with: its file read, its networks and its reference on the device.
#pragma once

#include <string>

#include <absl/status/statusor.h>

#include "vico/v1/job.pb.h"
#include "worker/engine/engine.h"
#include "worker/engine/loaded_base.h"
#include "worker/personalize/guided_network.h"

namespace vico::worker {

struct LoadedAdapter {
  Personalization personal;
  std::string placeholder;
  std::string init_word;  ///< empty if the file does not say
  KeyMask mask = KeyMask::kOtsu;
  v1::TrainSpec training;  ///< of the training that made it; empty for an import
};

/// Loads the files of `adapter` for the base model. Errors: those of ParseAdapter() and of
/// LoadSquare().
absl::StatusOr<LoadedAdapter> LoadAdapter(LoadedBase& loaded, const v1::Adapter& adapter,
                                          AdapterBytes bytes);

}  // namespace vico::worker
