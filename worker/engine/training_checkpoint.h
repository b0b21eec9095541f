// A training's state as bytes: a safetensors file whose metadata say which training it belongs to.
// Checkpoints go from worker to worker only; nobody is promised that a newer program reads them.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "vico/v1/job.pb.h"
#include "worker/personalize/base.h"
#include "worker/train/training_state.h"

namespace vico::worker {

/// What must be equal for a training to end in the same bits, by name.
using TrainingIdentity = std::map<std::string, std::string>;

/// Of a training by `spec` on these picture files, in this process: spec and pictures, base model,
/// versions of this program and of LibTorch, the device and its threads, and what the random draws
/// give.
TrainingIdentity IdentityOf(const v1::TrainSpec& spec, const std::vector<std::string>& pictures,
                            const std::string& base_model_digest, const Base& base,
                            const std::string& code_version);

struct TrainingCheckpoint {
  TrainingState state;
  std::vector<double> losses;  ///< of steps 1..state.step
  bool sample_owed = false;    ///< the training was stopped before it had drawn this step's sample
};

absl::StatusOr<std::string> SerializeCheckpoint(const TrainingCheckpoint& checkpoint,
                                                const TrainingIdentity& identity);

/// kDataLoss for bytes that are no whole checkpoint; kFailedPrecondition, naming what differs, for
/// one of another training.
absl::StatusOr<TrainingCheckpoint> ParseCheckpoint(std::string bytes,
                                                   const TrainingIdentity& identity);

}  // namespace vico::worker
