// One listener: a gRPC server, the acceptor in front of it with its limits and, unless peers need a
// certificate, the gate between the two.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/server.h>

#include "common/log.h"
#include "server/gate/gate.h"
#include "server/net/acceptor.h"
#include "server/net/listening_sockets.h"
#include "server/net/reloading_credentials.h"

namespace vico::server {

/// When connections end, so that their peers connect again, perhaps to another server.
struct ConnectionAge {
  /// A tenth more or less; zero: never. The peer makes no further call on the connection then.
  std::chrono::milliseconds limit{0};
  /// Of the calls that are open then; those that last longer end with UNAVAILABLE.
  std::chrono::milliseconds grace{630'000};
};

/// How the peers of a listener are protected: not at all, by TLS that the gate ends, or by TLS of
/// gRPC with certificates on both sides. At most one is set.
struct ListenerTls {
  std::unique_ptr<TlsServer> gate{};
  const ReloadingCredentials* mutual = nullptr;  ///< must outlive the listener
};

/// What a listener serves. The services must outlive it.
struct ListenerServices {
  std::vector<grpc::Service*> services{};
  /// Answers all other calls; null: gRPC answers them with UNIMPLEMENTED.
  grpc::CallbackGenericService* others = nullptr;
};

class Listener {
 public:
  /// Reflection is on only without TLS. kUnavailable when it cannot listen at the address.
  static absl::StatusOr<std::unique_ptr<Listener>> Start(const std::string& address,
                                                         ListenerTls tls,
                                                         const ListenerServices& services,
                                                         const ConnectionLimits& limits,
                                                         const ConnectionAge& age, const Log& log);
  ~Listener() { Close(); }

  int port() const { return port_; }  ///< 0 for a Unix socket
  grpc::HealthCheckServiceInterface& health() { return *server_->GetHealthCheckService(); }
  ConnectionCounts counts() const;

  /// Stops accepting and ends all connections at once, so that clients see UNAVAILABLE. gRPC's
  /// graceful shutdown would still read calls for a moment and answer them with CANCELLED.
  void Close();

 private:
  using GiveToGrpc = std::function<void(int listening, Descriptor connection)>;

  Listener() = default;
  absl::Status Accept(ListeningSockets listening, ConnectionLimits limits, const Log& log,
                      GiveToGrpc give_to_grpc);

  int port_ = 0;
  bool closed_ = false;
  std::unique_ptr<UnixSocketFile> socket_file_;  // null for TCP
  std::unique_ptr<grpc::Server> server_;
  std::unique_ptr<Gate> gate_;  // null if peers have certificates
  std::unique_ptr<Acceptor> acceptor_;
};

}  // namespace vico::server
