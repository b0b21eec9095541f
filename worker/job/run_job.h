// Runs one leased job and returns its outcome.
#pragma once

#include <optional>

#include "common/log.h"
#include "vico/v1/worker.pb.h"
#include "worker/engine/engine.h"
#include "worker/job/job_context.h"

namespace vico::worker {

/// Runs a leased job to its end. Returns the outcome for Finish, or nothing if the lease is lost:
/// the worker must write nothing then. After OUT_OF_MEMORY the job is tried once more in a new
/// engine; JobEngine says how it shares the engine with other jobs. A training whose engine is lost
/// continues in a new one from its newest checkpoint, as long as it has stored a newer one than at
/// the engine's loss before. Failures through bad input or divergence are not retryable, internal
/// errors are.
std::optional<v1::FinishRequest> RunJob(const v1::LeasedJob& job, Engine& engine,
                                        JobContext& context, const Log& log);

/// The engine's process died or hung.
bool IsLostEngine(const absl::Status& status);

/// The kinds of job, used by RunJob. kCancelled if the verdict or the engine stopped the job.
absl::StatusOr<v1::TrainResult> RunTraining(const v1::LeasedJob& job, Engine& engine,
                                            JobContext& context);
absl::StatusOr<v1::GenerateResult> RunGeneration(const v1::LeasedJob& job, Engine& engine,
                                                 JobContext& context);
absl::StatusOr<v1::EvaluateResult> RunEvaluation(const v1::LeasedJob& job, Engine& engine,
                                                 JobContext& context);

}  // namespace vico::worker
