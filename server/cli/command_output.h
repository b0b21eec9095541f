// Output of the subcommands of vico-server: results on standard output, errors on standard error.
#pragma once

#include <cstdio>
#include <string>

#include <absl/status/status.h>
#include <absl/time/time.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/time_util.h>

namespace vico::server {

/// Prints an error, if `status` is one. Returns the process's exit code.
inline int Ended(const absl::Status& status) {
  if (status.ok()) return 0;
  std::fprintf(stderr, "vico-server: %s\n", std::string(status.message()).c_str());
  return absl::IsInvalidArgument(status) ? 2 : 1;
}

/// As Ended(), with the reason of the status, and what the operator should do when the database of
/// the folder `data` is damaged or its disk fails.
int EndedByDisk(const absl::Status& status, const std::string& data);

/// RFC 3339, or "-" without a time.
inline std::string TimeText(bool has, const google::protobuf::Timestamp& time) {
  return has ? google::protobuf::util::TimeUtil::ToString(time) : "-";
}

}  // namespace vico::server
