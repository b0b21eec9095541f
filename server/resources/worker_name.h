// The name of a worker on the server, and the check that a lease belongs to the calling worker.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/status.h>

#include "server/rpc/caller.h"

namespace vico::server {

/// The name in the caller's certificate, a slash, and the name that the worker chose itself.
/// Without a certificate the latter alone. So no worker can use the name of one with another
/// certificate.
std::string WorkerName(const Caller& caller, const std::string& worker);

/// OK when `holder`, which holds the lease of `job`, has the caller's certificate; otherwise
/// kNotFound.
absl::Status CheckHolder(const Caller& caller, std::string_view holder, std::string_view job);

}  // namespace vico::server
