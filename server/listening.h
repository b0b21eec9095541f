// Opens and closes the ports, with the limits of connections that every listener has.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <grpcpp/server.h>

#include "server/reloading_credentials.h"

namespace vico {

/// Without `tls` this machine alone can come, and reflection is on. `port` becomes that in use, 0
/// for a Unix socket. kUnavailable when the address cannot be had.
absl::StatusOr<std::unique_ptr<grpc::Server>> Listen(const std::string& address,
                                                     const ReloadingCredentials* tls,
                                                     const std::vector<grpc::Service*>& services,
                                                     int& port);

/// Ends all connections at once: to a client a call that it meets is UNAVAILABLE. gRPC's own polite
/// way would go on reading calls for a moment and answer them with CANCELLED.
void Close(grpc::Server& server);

}  // namespace vico
