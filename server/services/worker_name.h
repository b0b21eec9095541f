// What a worker is called on the server, and whether a lease is that worker's.
#pragma once

#include <string>

#include <absl/status/status.h>

#include "server/jobs/job_store.h"
#include "server/rpc/caller.h"

namespace vico::server {

/// The name in the caller's certificate comes first, so that no worker can pass for one with
/// another certificate; `worker`, which it gives itself, keeps apart those that share one.
std::string WorkerName(const Caller& caller, const std::string& worker);

/// OK when the lease was granted to a worker with the caller's certificate; kNotFound otherwise.
absl::Status CheckHolder(const Caller& caller, const Grant& grant);

}  // namespace vico::server
