// Job in, outcome out.
#pragma once

#include <optional>

#include "common/log.h"
#include "vico/v1/worker.pb.h"
#include "worker/engine/engine.h"
#include "worker/job/job_context.h"

namespace vico::worker {

/// Runs a leased job to its end. Returns the outcome to finish it with, or nothing when the lease
/// was lost and nothing more may be written. Memory that ran out and errors of ours are worth
/// another try; bad input and a training that diverged are not.
std::optional<v1::FinishRequest> RunJob(const v1::LeasedJob& job, Engine& engine,
                                        JobContext& context, const Log& log);

/// The two kinds, used by RunJob. kCancelled when the verdict, or the engine, said stop.
absl::StatusOr<v1::TrainResult> RunTraining(const v1::LeasedJob& job, Engine& engine,
                                            JobContext& context);
absl::StatusOr<v1::GenerateResult> RunGeneration(const v1::LeasedJob& job, Engine& engine,
                                                 JobContext& context);

}  // namespace vico::worker
