// Helpers for jobs' specs and events. A job is a v1::Job, the same message that clients read; its
// transitions are in server/jobs/job_states.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "server/jobs/job_states.h"
#include "vico/v1/job.pb.h"
#include "vico/v1/worker.pb.h"

namespace vico::server {

/// The tenant of blobs that belong to no tenant (tokenizer files of base models).
inline constexpr std::string_view kSystemTenant = "system";

/// Whether it is the last event of its job.
bool IsTerminal(const v1::Event& event);

v1::JobKind KindOf(const v1::JobSpec& spec);

/// The kind of job that the outcome is a result of; unspecified if it is no result.
v1::JobKind KindOfResult(const v1::FinishRequest& finish);

/// "baseModels/{id}".
const std::string& BaseModelOf(const v1::JobSpec& spec);

/// "adapters/{id}" that the job needs: of a generation, an evaluation, or a training that continues
/// one. Empty if it needs none.
const std::string& AdapterOf(const v1::JobSpec& spec);

/// The devices that a worker must have for the job, 1 or more.
int DevicesOf(const v1::JobSpec& spec);

/// Every blob that an event or a result references. The blobs must be durable before the row that
/// references them.
std::vector<v1::BlobRef> BlobsNamedBy(const v1::Event& event);
std::vector<v1::BlobRef> BlobsNamedBy(const v1::FinishRequest& finish);
std::vector<v1::BlobRef> BlobsNamedBy(const v1::TrainingCheckpoints& checkpoints);

/// The user under which a job references its checkpoints. They are released before its other blobs.
std::string CheckpointUser(std::string_view job);

/// The user under which an adapter references the pictures of its report. A new report releases
/// those of the earlier one.
std::string ReportUser(std::string_view adapter);

/// The users under which a job references the pictures that it starts from, until it is deleted.
std::string InitPictureUser(std::string_view job);
std::string MaskPictureUser(std::string_view job);

/// The user under which a lease references what its worker has uploaded, until the lease ends.
std::string LeaseUser(std::string_view lease_id);

/// The warning of a job whose base model no living worker serves: reason BASE_MODEL_UNAVAILABLE.
v1::Event::Warning BaseModelUnavailable(std::string_view base_model);

/// The warning of a job whose base model living workers serve, but none with as many devices:
/// reason NO_WORKER_WITH_DEVICES.
v1::Event::Warning NoWorkerWithDevices(std::string_view base_model, int devices);

/// kFailedPrecondition, reason NO_CONCEPT_PICTURES: the pictures that the adapter was trained on
/// are gone, or were never here.
absl::Status NoConceptPictures(std::string_view adapter);

/// OK when a worker may report this event; kInvalidArgument (naming events[index]) for kinds that
/// only the server creates, and for an empty event.
absl::Status CheckReported(const v1::Event& event, int index);

/// The wait before a retry after the nth failure (n from 1): none after the first, then a random
/// part of 10 s * 2^n, at most 10 min. `random01` in 0..1.
absl::Duration RetryDelay(int failures, double random01);

}  // namespace vico::server
