// What a job may do: the table of legal state changes, retry budgets, and small facts about specs
// and events. The job itself is v1::Job, the same message that clients read.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/time/time.h>

#include "vico/v1/job.pb.h"
#include "vico/v1/worker.pb.h"

namespace vico {

/// The owner of what belongs to no tenant (tokenizer files of base models).
inline constexpr std::string_view kSystemTenant = "system";

/// Attempts that end in an error worth another try, and leases that run out, are counted apart. A
/// job fails when either count reaches its budget; a release (drain) counts as neither.
inline constexpr int kFailureBudget = 5;
inline constexpr int kCrashBudget = 3;

struct Transition {
  v1::JobState from;
  v1::JobState to;
};

/// All legal changes. Creation (to queued) is not in it; running -> running is a report.
inline constexpr std::array<Transition, 7> kTransitions{{
    {v1::JOB_STATE_QUEUED, v1::JOB_STATE_RUNNING},     // leased
    {v1::JOB_STATE_QUEUED, v1::JOB_STATE_CANCELLED},   // cancelled before it began
    {v1::JOB_STATE_RUNNING, v1::JOB_STATE_RUNNING},    // report, or the request to cancel
    {v1::JOB_STATE_RUNNING, v1::JOB_STATE_QUEUED},     // another try, or released
    {v1::JOB_STATE_RUNNING, v1::JOB_STATE_SUCCEEDED},  // finished
    {v1::JOB_STATE_RUNNING, v1::JOB_STATE_FAILED},     // finished, or a budget is spent
    {v1::JOB_STATE_RUNNING, v1::JOB_STATE_CANCELLED},  // stopped as asked
}};

bool IsLegal(v1::JobState from, v1::JobState to);

/// Succeeded, failed or cancelled: the job never changes again, and its last event says so.
bool IsTerminal(v1::JobState state);
bool IsTerminal(const v1::Event& event);

/// "queued", "running", ...; "unspecified" for anything else.
std::string_view StateName(v1::JobState state);

v1::JobKind KindOf(const v1::JobSpec& spec);

/// "baseModels/{id}" as the spec names it.
const std::string& BaseModelOf(const v1::JobSpec& spec);

/// Every blob that an event or a result names. They must be durable before the row that names them:
/// the caller of JobStore::Report and Finish has seen them in the blob store.
std::vector<v1::BlobRef> BlobsNamedBy(const v1::Event& event);
std::vector<v1::BlobRef> BlobsNamedBy(const v1::FinishRequest& finish);

/// OK when a worker may report this event; kInvalidArgument (naming events[index]) for those that
/// only the server makes, and for an event that says nothing.
absl::Status CheckReported(const v1::Event& event, int index);

/// How long a job that failed for the nth time (n from 1) waits for its next try: none the first
/// time, then a random share of 10 s * 2^n, at most 10 min. `random01` in 0..1.
absl::Duration RetryDelay(int failures, double random01);

}  // namespace vico
