// A base model a worker serves: its description and its networks, on the device.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "worker/engine/engine.h"
#include "worker/io/adapter.h"
#include "worker/personalize/base.h"

namespace vico::worker {

struct LoadedBase {
  BaseModelOffer offer;
  Base base;
  std::vector<std::string> warnings;  ///< what its files ask for and will not get

  /// What its adapters are checked against.
  AdapterTarget adapter_target() const;
};

/// Opens and loads a directory or a single file, whose tokenizer is in the folder `tokenizer` or,
/// where that is empty, beside it. An error names the file that is missing or broken. Throws
/// c10::Error when the device has no room. `dtype` is that of U-Net and autoencoder, kFloat32 or
/// kBFloat16; the text encoder and all that trains are fp32.
absl::StatusOr<LoadedBase> LoadBase(const std::string& path, const std::string& tokenizer,
                                    const torch::Device& device, int threads,
                                    torch::ScalarType dtype = torch::kFloat32);

}  // namespace vico::worker
