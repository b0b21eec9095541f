#include "server/resources/worker_name.h"

#include <fmt/format.h>

#include "common/status.h"

namespace vico::server {

std::string WorkerName(const Caller& caller, const std::string& worker) {
  return caller.name.empty() ? worker : fmt::format("{}/{}", caller.name, worker);
}

absl::Status CheckHolder(const Caller& caller, std::string_view holder, std::string_view job) {
  if (caller.name.empty() || holder.starts_with(caller.name + "/")) return absl::OkStatus();
  return Error(absl::StatusCode::kNotFound, fmt::format("{}: no such job", job), "JOB_NOT_FOUND");
}

}  // namespace vico::server
