// The losses of a training, from its events, as an adapter's report shows them.
#pragma once

#include <map>
#include <string_view>
#include <vector>

#include <absl/status/status.h>

#include "server/jobs/job_store.h"
#include "vico/v1/worker.pb.h"

namespace vico::server {

/// At most `points` means of the losses by step, each over the same number of steps. One over steps
/// without a loss has the value of the one before it; the first that of the first loss.
std::vector<double> SmoothedLosses(const std::map<int64_t, double>& by_step, int points);

/// Sets the losses of the training that made the evaluation's adapter: at most 100. None for an
/// import, and if the training has been deleted.
absl::Status FillLosses(JobStore& jobs, std::string_view tenant, v1::LeasedJob& evaluation);

}  // namespace vico::server
