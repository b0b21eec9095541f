// Small facts about jobs' specs and events; what may happen to a job is in server/job_states. The
// job itself is v1::Job, the same message that clients read.
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

/// The owner of what belongs to no tenant (tokenizer files of base models).
inline constexpr std::string_view kSystemTenant = "system";

/// Its last event says so, too.
bool IsTerminal(const v1::Event& event);

v1::JobKind KindOf(const v1::JobSpec& spec);

/// "baseModels/{id}" as the spec names it.
const std::string& BaseModelOf(const v1::JobSpec& spec);

/// Every blob that an event or a result names. They must be durable before the row that names them:
/// the caller of JobStore::Report and Finish has seen them in the blob store.
std::vector<v1::BlobRef> BlobsNamedBy(const v1::Event& event);
std::vector<v1::BlobRef> BlobsNamedBy(const v1::FinishRequest& finish);
std::vector<v1::BlobRef> BlobsNamedBy(const v1::TrainingCheckpoints& checkpoints);

/// As what a job names its checkpoints: apart from its other blobs, since they go first.
std::string CheckpointUser(std::string_view job);

/// OK when a worker may report this event; kInvalidArgument (naming events[index]) for those that
/// only the server makes, and for an event that says nothing.
absl::Status CheckReported(const v1::Event& event, int index);

/// How long a job that failed for the nth time (n from 1) waits for its next try: none the first
/// time, then a random share of 10 s * 2^n, at most 10 min. `random01` in 0..1.
absl::Duration RetryDelay(int failures, double random01);

}  // namespace vico::server
