// Cancels many jobs: those named, or those that match a filter.
#pragma once

#include <string>

#include <absl/status/status.h>

#include "server/jobs/job_store.h"
#include "vico/v1/job_service.pb.h"

namespace vico::server {

/// Cancels at most kMaxCancelled jobs, in transactions of at most 100. `request` is checked;
/// `filter` is its filter.
absl::Status CancelMany(JobStore& jobs, const std::string& tenant,
                        const v1::CancelJobsRequest& request, JobFilter filter,
                        v1::CancelJobsResponse& response);

}  // namespace vico::server
