// The engine on LibTorch: base models loaded once and kept, adapters kept while they are used.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "common/log.h"
#include "worker/engine/engine.h"

namespace vico::worker {

struct TorchEngineOptions {
  std::vector<std::string> base_models;  ///< directories and single files, at least one
  std::string tokenizer = {};            ///< folder of single files' tokenizer; empty: beside them
  std::string device = "auto";           ///< cpu, cuda, or auto: cuda where there is one
  std::string precision = "fp32";        ///< of U-Net and autoencoder: fp32 or bf16
  int threads = 1;                       ///< compute threads of LibTorch, in the whole process
  size_t adapters_kept = 4;              ///< loaded, the least recently used goes first
  std::string code_version = {};         ///< written into adapter files
};

/// Loads the base models. An error names the file that is missing or broken; kFailedPrecondition
/// for a device that is not there.
absl::StatusOr<std::unique_ptr<Engine>> OpenTorchEngine(const TorchEngineOptions& options,
                                                        const Log& log);

}  // namespace vico::worker
