// Converts between absl::Status and grpc::Status. The details travel as a serialized
// google.rpc.Status in error_details (the trailer grpc-status-details-bin), where clients in any
// language find reasons, fields and retry delays.
#pragma once

#include <absl/status/status.h>
#include <grpcpp/support/status.h>

namespace vico {

/// Cuts the message at 1 KiB.
grpc::Status ToGrpc(const absl::Status& status);

/// Drops details that do not parse or that contradict the code. An empty message, which gRPC itself
/// and other servers send, becomes a sentence about the code. A stream that a proxy resets, because
/// its server is gone, is kUnavailable.
absl::Status FromGrpc(const grpc::Status& status);

}  // namespace vico
