// Checks the requests that say which jobs they are about, and those for pictures.
#pragma once

#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "server/jobs/job_filter.h"
#include "vico/v1/job_service.pb.h"
#include "vico/v1/picture.pb.h"

namespace vico::server {

inline constexpr int kMaxCancelled = 1000;    ///< jobs of one CancelJobs
inline constexpr int kMaxInitialJobs = 1000;  ///< of one WatchJobs

/// `field` is the path of the filter in the request. One error names all wrong fields.
absl::StatusOr<JobFilter> CheckJobFilter(std::string_view field, const v1::JobFilter& filter);

/// The filter of a list: the older fields `kind` and `states` count as those of the filter.
absl::StatusOr<JobFilter> CheckListJobs(const v1::ListJobsRequest& request);

/// The filter of a bulk cancel without names; of one with names any.
absl::StatusOr<JobFilter> CheckCancelJobs(const v1::CancelJobsRequest& request);

absl::StatusOr<JobFilter> CheckWatchJobs(const v1::WatchJobsRequest& request);

/// The size and format of a thumbnail.
absl::Status CheckThumbnail(const v1::DownloadPictureRequest& request);

}  // namespace vico::server
