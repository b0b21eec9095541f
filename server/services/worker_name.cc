#include "server/services/worker_name.h"

#include <fmt/format.h>

namespace vico::server {

std::string WorkerName(const Caller& caller, const std::string& worker) {
  return caller.name.empty() ? worker : fmt::format("{}/{}", caller.name, worker);
}

absl::Status CheckHolder(const Caller& caller, const Grant& grant) {
  if (caller.name.empty() || grant.worker.starts_with(caller.name + "/")) return absl::OkStatus();
  return absl::NotFoundError(fmt::format("{}: no such job", grant.job.name()));
}

}  // namespace vico::server
