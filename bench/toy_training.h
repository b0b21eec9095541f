// A short training of the tiny base model, for the checks of a device: the same numbers on each.
#pragma once

#include <string>

#include <torch/types.h>

#include "worker/train/trainer.h"

namespace vico::bench {

/// Two pictures [2, 3, 64, 64] in 0..1, random, always the same.
torch::Tensor ToyPictures();

/// Two rows a step, at the learning rates of toyworld/base.
worker::TrainOptions ToyOptions(int64_t steps);

/// ‖a−b‖/‖b‖, computed in float64 on the CPU.
double RelativeError(const torch::Tensor& a, const torch::Tensor& b);

}  // namespace vico::bench
