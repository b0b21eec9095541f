#include "client/output/exit_code.h"

#include <fmt/format.h>

#include "common/status.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace vico::client {

const char* const kExitCodeHelp =
    "Exit codes:\n"
    "  0    success\n"
    "  1    other errors\n"
    "  2    invalid argument, on the command line or in a field that the server names\n"
    "  3    not found\n"
    "  4    not possible in this state\n"
    "  5    no server, or no answer in time\n"
    "  6    out of a resource: quota, queue, disk\n"
    "  7    the job failed\n"
    "  8    the job was cancelled\n"
    "  130  interrupted; a watched job keeps running\n";

ExitCode ExitCodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitOk;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kOutOfRange:
      return kExitInvalidArgument;
    case absl::StatusCode::kNotFound:
      return kExitNotFound;
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kAlreadyExists:
      return kExitFailedPrecondition;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return kExitUnavailable;
    case absl::StatusCode::kResourceExhausted:
      return kExitResourceExhausted;
    default:
      return kExitOther;
  }
}

std::string ErrorText(const absl::Status& status) {
  std::string text;
  const google::rpc::Status proto = ToProto(status);
  for (const auto& detail : proto.details()) {
    google::rpc::BadRequest bad;
    if (!detail.UnpackTo(&bad)) continue;
    for (const auto& violation : bad.field_violations()) {
      text += fmt::format("error: {}: {}\n", violation.field(), violation.description());
    }
  }
  if (!text.empty()) return text;
  const std::string message(ToStd(status.message()));
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
      return fmt::format("error: no answer from the server: {}\n", message);
    case absl::StatusCode::kDeadlineExceeded:
      return fmt::format("error: no answer from the server in time: {}\n", message);
    case absl::StatusCode::kUnknown:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kDataLoss:
      return fmt::format("error: {}: {}\n", absl::StatusCodeToString(status.code()), message);
    default:
      return fmt::format("error: {}\n", message);
  }
}

}  // namespace vico::client
