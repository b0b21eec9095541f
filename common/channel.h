// Outgoing gRPC channels of clients and workers.
#pragma once

#include <memory>
#include <string>

#include <absl/status/statusor.h>
#include <grpcpp/channel.h>

#include "common/tls_files.h"

namespace vico {

/// A channel to `address` with keepalive and Vico's message sizes; it connects at the first call.
/// Plain to this machine when `tls` names no CA, otherwise TLS: the server must be vouched for by
/// that CA, or by one of the system's when none is named. With a certificate in `tls` the channel
/// shows it, and reads the files again every few seconds, so that new ones are used from the next
/// connection on. kInvalidArgument that names `field` for an address that is none (see
/// CheckAddress), kFailedPrecondition for files that are not as they should be.
absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(std::string_view field,
                                                           const std::string& address,
                                                           const TlsFiles& tls = {});

}  // namespace vico
