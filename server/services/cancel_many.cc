#include "server/services/cancel_many.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "common/status.h"
#include "server/checks/job_requests.h"
#include "server/jobs/job_states.h"

namespace vico::server {
namespace {

constexpr int kCancelledAtOnce = 100;

/// What a call would do to a job.
void CountJob(const v1::Job& job, CancelledJobs& to) {
  const bool unchanged = IsTerminal(job.state()) || job.cancel_requested();
  const bool queued = job.state() == v1::JOB_STATE_QUEUED;
  (unchanged ? to.unchanged : queued ? to.cancelled : to.requested).push_back(job.name());
}

void AddCounts(const CancelledJobs& jobs, bool name_unchanged, v1::CancelJobsResponse& response) {
  response.set_cancelled_count(response.cancelled_count() +
                               static_cast<int32_t>(jobs.cancelled.size()));
  response.set_requested_count(response.requested_count() +
                               static_cast<int32_t>(jobs.requested.size()));
  if (!name_unchanged) return;
  for (const std::string& name : jobs.unchanged) response.add_unchanged_names(name);
}

absl::Status CancelNamed(JobStore& jobs, const std::string& tenant,
                         const v1::CancelJobsRequest& request, v1::CancelJobsResponse& response) {
  for (int from = 0; from < request.names_size(); from += kCancelledAtOnce) {
    const int to = std::min(request.names_size(), from + kCancelledAtOnce);
    const std::vector<std::string> names(request.names().begin() + from,
                                         request.names().begin() + to);
    CancelledJobs result;
    if (request.validate_only()) {
      for (const std::string& name : names) {
        const absl::StatusOr<v1::Job> job = jobs.Get(tenant, name);
        if (absl::IsNotFound(job.status())) {
          result.unchanged.push_back(name);
          continue;
        }
        if (!job.ok()) return job.status();
        CountJob(*job, result);
      }
    } else {
      ASSIGN_OR_RETURN(result, jobs.CancelAll(tenant, names));
    }
    AddCounts(result, /*name_unchanged=*/true, response);
  }
  return absl::OkStatus();
}

/// The states of the filter that can be cancelled. None: the filter has others only.
std::vector<v1::JobState> CancellableStates(const std::vector<v1::JobState>& wanted) {
  std::vector<v1::JobState> states;
  for (const v1::JobState state : {v1::JOB_STATE_QUEUED, v1::JOB_STATE_RUNNING}) {
    if (wanted.empty() || std::find(wanted.begin(), wanted.end(), state) != wanted.end()) {
      states.push_back(state);
    }
  }
  return states;
}

}  // namespace

absl::Status CancelMany(JobStore& jobs, const std::string& tenant,
                        const v1::CancelJobsRequest& request, JobFilter filter,
                        v1::CancelJobsResponse& response) {
  if (!request.has_filter()) return CancelNamed(jobs, tenant, request, response);
  filter.states = CancellableStates(filter.states);
  if (filter.states.empty()) return absl::OkStatus();
  JobQuery query{.tenant = tenant, .page_size = kCancelledAtOnce, .filter = std::move(filter)};
  int seen = 0;
  do {
    ASSIGN_OR_RETURN(const JobPage page, jobs.List(query));
    CancelledJobs result;
    std::vector<std::string> names;
    for (const v1::Job& job : page.jobs) {
      names.push_back(job.name());
      CountJob(job, result);
    }
    if (!request.validate_only()) {
      ASSIGN_OR_RETURN(result, jobs.CancelAll(tenant, names));
    }
    AddCounts(result, /*name_unchanged=*/false, response);
    seen += static_cast<int>(names.size());
    query.page_token = page.next_page_token;
  } while (!query.page_token.empty() && seen < kMaxCancelled);
  response.set_more(!query.page_token.empty());
  return absl::OkStatus();
}

}  // namespace vico::server
