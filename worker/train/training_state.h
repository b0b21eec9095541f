// The state of a training between two steps. It contains no random state: every draw is a function
// of seed and step.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <torch/optim/adamw.h>

#include "worker/model/adapter.h"

namespace vico::worker {

struct TrainingState {
  int64_t step = 0;             ///< steps done, 1 or more
  int64_t optimizer_steps = 0;  ///< those of this optimizer, up to `step`; 0: it starts anew
  /// "parameter.NAME", "first_moment.NAME" and "second_moment.NAME" for each of the adapter's
  /// named_parameters(), without moments if the optimizer starts anew. Copies on the CPU.
  std::map<std::string, torch::Tensor> tensors;
};

/// Copies the state after `step` steps.
TrainingState CopyTrainingState(const Adapter& adapter, const torch::optim::AdamW& optimizer,
                                int64_t step);

/// Copies the weights alone, for a training that continues from `adapter` after `step` steps.
TrainingState CopyWeights(const Adapter& adapter, int64_t step);

/// Restores a copied state. Throws c10::Error if a tensor is missing, unknown or of another shape.
void RestoreTrainingState(const TrainingState& state, Adapter& adapter,
                          torch::optim::AdamW& optimizer);

}  // namespace vico::worker
