// absl::Status <-> grpc::Status: the one place that meets both. The serialized google.rpc.Status
// rides in error_details (the trailer grpc-status-details-bin), so that reasons, fields and retry
// delays arrive in any language.
#pragma once

#include <absl/status/status.h>
#include <grpcpp/support/status.h>

namespace vico {

/// The message is cut at 1 KiB.
grpc::Status ToGrpc(const absl::Status& status);

/// Details that do not parse, or contradict the code, are dropped.
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace vico
