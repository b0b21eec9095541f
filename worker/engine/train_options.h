// Turns the spec of a training job into the trainer's options.
#pragma once

#include <absl/status/statusor.h>

#include "vico/v1/job.pb.h"
#include "worker/io/resize.h"
#include "worker/personalize/base.h"
#include "worker/train/trainer.h"

namespace vico::worker {

Dialect DialectOf(const v1::TrainSpec& spec);
Fit FitOf(const v1::TrainSpec& spec);

/// The devices that the training uses: as many as the spec asks for, the worker has, and the batch
/// has rows; 1 or more.
int64_t DevicesOf(const Base& base, const v1::TrainSpec& spec);

/// kInvalidArgument naming train.sites or train.dialect if the base model has no such transformer
/// or does not support the dialect.
absl::StatusOr<TrainOptions> TrainOptionsOf(const Base& base, const v1::TrainSpec& spec);

}  // namespace vico::worker
