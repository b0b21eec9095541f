// Jobs, events and concepts as clients see them: with what the stores leave out.
#pragma once

#include <optional>

#include "server/workers/worker_registry.h"
#include "vico/v1/concept.pb.h"
#include "vico/v1/job.pb.h"

namespace vico::server {

/// The warning of a job that no living worker can serve: none serves its base model, or none with
/// as many devices.
std::optional<v1::Event::Warning> WhyUnserved(const WorkerRegistry& workers,
                                              const v1::JobSpec& spec);

/// Fills in what the registry of workers knows of a job, and the names of its pictures.
v1::Job Shown(const WorkerRegistry& workers, v1::Job job);

/// Fills in the names of the concept's pictures.
v1::Concept Shown(v1::Concept concept_set);

}  // namespace vico::server
