// A base model that a worker serves: its description, and its networks on the device.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "worker/base_model/schedule_config.h"
#include "worker/engine/engine.h"
#include "worker/io/adapter.h"
#include "worker/personalize/base.h"

namespace vico::worker {

struct LoadedBase {
  BaseModelOffer offer;
  Base base;
  std::vector<UnsupportedField> unsupported;  ///< of its scheduler's file
  std::vector<std::string> warnings;          ///< settings of its files that are ignored
  std::vector<std::string> notes;             ///< tensors of its files that are ignored
  std::string scorer;                         ///< file that its evaluations measure with, or empty

  /// kFailedPrecondition, reason SCHEDULER_UNSUPPORTED, if the scheduler would have to follow a
  /// setting of the base model's file that it does not support.
  absl::Status CheckScheduler(const std::string& scheduler) const;

  /// Properties of the base model that an adapter file must match.
  AdapterTarget adapter_target() const;
};

/// Loads a directory or a single file, whose tokenizer is in the folder `tokenizer` or, if that is
/// empty, beside the file. An error names the file that is missing or broken, and a tensor that is
/// not finite. Throws c10::Error if the device is out of memory. `dtype` is that of U-Net and
/// autoencoder, kFloat32 or kBFloat16. The text encoder and all trained parameters are fp32.
absl::StatusOr<LoadedBase> LoadBase(const std::string& path, const std::string& tokenizer,
                                    const torch::Device& device, int threads,
                                    torch::ScalarType dtype = torch::kFloat32);

}  // namespace vico::worker
