// One listener: a gRPC server and, for TCP, the acceptor in front of it with its limits.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server.h>

#include "common/log.h"
#include "server/net/acceptor.h"
#include "server/net/reloading_credentials.h"

namespace vico::server {

class Listener {
 public:
  /// Reflection is on only without `tls`, which may be null. Connections of a Unix socket are not
  /// limited. kUnavailable when it cannot listen at the address. `tls` and `services` must outlive
  /// the listener.
  static absl::StatusOr<std::unique_ptr<Listener>> Start(
      const std::string& address, const ReloadingCredentials* tls,
      const std::vector<grpc::Service*>& services, const ConnectionLimits& limits, const Log& log);
  ~Listener() { Close(); }

  int port() const { return port_; }  ///< 0 for a Unix socket
  grpc::HealthCheckServiceInterface& health() { return *server_->GetHealthCheckService(); }
  ConnectionCounts counts() const { return acceptor_ ? acceptor_->counts() : ConnectionCounts{}; }

  /// Stops accepting and ends all connections at once, so that clients see UNAVAILABLE. gRPC's
  /// graceful shutdown would still read calls for a moment and answer them with CANCELLED.
  void Close();

 private:
  Listener() = default;

  int port_ = 0;
  bool closed_ = false;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Acceptor> acceptor_;  // null for a Unix socket
};

}  // namespace vico::server
