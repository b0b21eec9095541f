// The engine on LibTorch: keeps base models loaded and caches adapters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "common/log.h"
#include "worker/engine/engine.h"

namespace vico::worker {

struct TorchEngineOptions {
  std::vector<std::string> base_models;  ///< [NAME=]PATH of directories and files, at least one
  std::string tokenizer = {};      ///< folder of single files' tokenizer; empty: beside each file
  std::string device = "auto";     ///< "cpu", "cuda:1", several with commas; "auto": "cuda:0" if
                                   ///< there is one, else "cpu"; "cuda": "cuda:0"
  std::string precision = "fp32";  ///< of U-Net and autoencoder: fp32 or bf16
  int threads = 1;                 ///< compute threads of LibTorch, in the whole process
  bool prepack_weights = true;     ///< PackWeights() of U-Net and autoencoder
  int64_t reference_cache_mib = 1024;  ///< of the features of references, on a CPU; 0: none
  std::string clip = {};  ///< folder of CLIP in transformers' layout, for evaluations; or empty
  std::string dino = {};  ///< likewise of DINO
  size_t cached_adapters = 4;     ///< evicts the least recently used
  int most_generations = 4;       ///< that run at once; generations with one base model and size
                                  ///< of pictures share passes through the U-Net
  int64_t most_rows = 32;         ///< of the U-Net in a shared pass: two a picture with guidance
  double training_share = 0.5;    ///< 0..1, of the device's time, while generations wait
  std::string code_version = {};  ///< written into adapter files
};

/// Loads the base models on each device, and CLIP, DINO and the base models' scorers on the CPU. An
/// error names the file that is missing or broken, and --clip or --dino, or it names --device:
/// kFailedPrecondition if a device does not exist, kInvalidArgument if CPUs and GPUs are mixed, a
/// GPU is named twice or there are more CPUs than threads.
absl::StatusOr<std::unique_ptr<Engine>> OpenTorchEngine(const TorchEngineOptions& options,
                                                        const Log& log);

}  // namespace vico::worker
