// What a training is made of between two steps, to go on later as if it had never stopped. Nothing
// random is in it: every draw to come is a function of the seed and the step.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <torch/optim/adamw.h>

#include "worker/model/adapter.h"

namespace vico::worker {

struct TrainingState {
  int64_t step = 0;  ///< done so far, 1 or more
  /// "parameter.NAME", "first_moment.NAME" and "second_moment.NAME" for each of the adapter's
  /// named_parameters(): on the CPU, in memory of their own.
  std::map<std::string, torch::Tensor> tensors;
};

/// A copy of the training after `step` steps.
TrainingState CopyTrainingState(const Adapter& adapter, const torch::optim::AdamW& optimizer,
                                int64_t step);

/// Puts a copied state back. Throws c10::Error when a tensor is missing, is not wanted, or has
/// another shape.
void RestoreTrainingState(const TrainingState& state, Adapter& adapter,
                          torch::optim::AdamW& optimizer);

}  // namespace vico::worker
