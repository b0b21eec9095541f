// Interface that tells which jobs of a tenant have changed lately. For WatchJobs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "server/jobs/job_filter.h"
#include "vico/v1/job.pb.h"

namespace vico::server {

/// What changes of a job: a new event, or a call of UpdateJob or FinishTraining.
struct JobMark {
  int64_t number = 0;
  std::string name;  ///< "jobs/{id}"
  v1::JobState state = v1::JOB_STATE_UNSPECIFIED;
  uint64_t last_sequence = 0;
  int64_t update_time = 0;      ///< of the newest such call: microseconds of wall time; 0: none
  std::string base_model;       ///< "baseModels/{id}"
  int devices = 1;              ///< that a worker needs for it
  uint64_t queue_position = 0;  ///< of a queued job, if it was asked for
};

struct JobChangesQuery {
  std::string tenant;
  JobFilter filter;                  ///< its states do not count
  absl::Duration age;                ///< how long ago a change may be
  bool with_queue_position = false;  ///< costs one pass over the queue
};

struct RecentJobs {
  std::vector<JobMark> jobs;         ///< by number
  std::vector<std::string> deleted;  ///< "jobs/{id}", of any filter
};

/// Any thread. Errors as the stores'.
class JobChanges {
 public:
  virtual ~JobChanges() = default;

  /// All queued and running jobs, and those that ended, were updated or deleted within `age`.
  virtual absl::StatusOr<RecentJobs> Recent(const JobChangesQuery& query) = 0;
};

}  // namespace vico::server
