// One listener: a gRPC server and, for TCP, the acceptor in front of it, with the limits of
// connections that every listener has.
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
  /// Without `tls` this machine alone can come, and reflection is on. kUnavailable when the address
  /// cannot be had. A Unix socket's connections are not counted. `tls` and `services` must outlive
  /// the listener.
  static absl::StatusOr<std::unique_ptr<Listener>> Start(
      const std::string& address, const ReloadingCredentials* tls,
      const std::vector<grpc::Service*>& services, const ConnectionLimits& limits, const Log& log);
  ~Listener() { Close(); }

  int port() const { return port_; }  ///< 0 for a Unix socket
  grpc::HealthCheckServiceInterface& health() { return *server_->GetHealthCheckService(); }
  ConnectionCounts counts() const { return acceptor_ ? acceptor_->counts() : ConnectionCounts{}; }

  /// Accepts no more and ends all connections at once: to a client a call that it meets is
  /// UNAVAILABLE. gRPC's own polite way would go on reading calls for a moment and answer them with
  /// CANCELLED.
  void Close();

 private:
  Listener() = default;

  int port_ = 0;
  bool closed_ = false;
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Acceptor> acceptor_;  // null for a Unix socket
};

}  // namespace vico::server
