// A training's state as a safetensors file, whose metadata identify the training. Only workers of
// the same version read it; the format is not stable.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "vico/v1/job.pb.h"
#include "worker/personalize/base.h"
#include "worker/train/training_state.h"

namespace vico::worker {

/// What must be equal for a resumed training to end with the same bits, by name. Only the total
/// number of steps may differ where a training continues another.
using TrainingIdentity = std::map<std::string, std::string>;

/// The identity of a training by `spec` on these picture files in this process: spec and pictures,
/// base model, versions of this program and of LibTorch, kind of device, threads, on GPUs the
/// number of devices, and a sample of the random draws.
TrainingIdentity IdentityOf(const v1::TrainSpec& spec, const std::vector<std::string>& pictures,
                            const std::string& base_model_digest, const Base& base,
                            const std::string& code_version);

struct TrainingCheckpoint {
  TrainingState state;
  std::vector<double> losses;   ///< of the last steps: of all, unless weights were the start
  bool sample_pending = false;  ///< stopped before it drew this step's sample
};

absl::StatusOr<std::string> SerializeCheckpoint(const TrainingCheckpoint& checkpoint,
                                                const TrainingIdentity& identity);

/// `continued_steps`: after how many steps of another training this one starts; 0: of none. The
/// checkpoint at that step may be of a training with another number of steps. kDataLoss for bytes
/// that are not a complete checkpoint; kFailedPrecondition, naming the difference, for a checkpoint
/// of another training.
absl::StatusOr<TrainingCheckpoint> ParseCheckpoint(std::string bytes,
                                                   const TrainingIdentity& identity,
                                                   int64_t continued_steps = 0);

}  // namespace vico::worker
