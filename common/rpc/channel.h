// Opens the gRPC channels of clients and workers.
#pragma once

#include <memory>
#include <string>

#include <absl/status/statusor.h>
#include <grpcpp/channel.h>

#include "common/rpc/tls_files.h"

namespace vico {

/// A channel to `address` with keepalive and Vico's message sizes. It connects at the first call.
/// - A loopback address without TLS files is a plain connection. All others use TLS.
/// - The server's certificate must be signed by `tls.ca`, or by a CA of the system if that is
/// empty.
/// - A certificate in `tls` is sent to the server. The channel reads these files again every 5 s
/// and
///   uses new ones from the next connection on.
/// kInvalidArgument that names `field` for an address that CheckAddress() refuses;
/// kFailedPrecondition for files that ReadTlsFiles() refuses.
absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(std::string_view field,
                                                           const std::string& address,
                                                           const TlsFiles& tls = {});

}  // namespace vico
