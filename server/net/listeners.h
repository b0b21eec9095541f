// The two listeners, for clients and for workers, with TLS and health service.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/log.h"
#include "common/rpc/tls_files.h"
#include "server/net/connection_limiter.h"
#include "server/net/listening.h"
#include "server/net/reloading_credentials.h"
#include "server/net/wrong_listener.h"

namespace vico::server {

struct ListenOptions {
  std::string listen = "127.0.0.1:50051";         ///< for clients; port 0: any free one
  std::string worker_listen = "127.0.0.1:50052";  ///< for workers and operators
  ConnectionLimits client_connections;
  ConnectionLimits worker_connections{.per_peer = 256, .total = 1000};  ///< and operators'
  /// With a certificate clients use TLS and API keys. With a CA workers and operators use TLS on
  /// both sides, with certificates of that CA.
  TlsFiles tls;
  bool insecure = false;  ///< never require API keys
  ConnectionAge age{};    ///< of both listeners' connections
};

struct NamedService {
  const char* name;  ///< full name, as the health service uses it
  grpc::Service* service;
};

/// Any thread, except Start() and Close().
class Listeners {
 public:
  /// kInvalidArgument for a public address without TLS and for inconsistent TLS options.
  static absl::Status Check(const ListenOptions& options);

  /// Listens at both addresses and reports all services as serving. `options` have passed Check().
  /// kFailedPrecondition for unusable certificate files, kUnavailable when it cannot listen. The
  /// services must outlive the listeners.
  static absl::StatusOr<std::unique_ptr<Listeners>> Start(const ListenOptions& options,
                                                          const std::vector<NamedService>& clients,
                                                          const std::vector<NamedService>& workers,
                                                          const Log& log);

  int client_port() const { return client_->port(); }  ///< 0 with a Unix socket
  int worker_port() const { return worker_->port(); }

  /// By listener: "clients" and "workers".
  std::map<std::string, ConnectionCounts> counts() const;

  /// Sets the health of each of the clients' services. That of the server as a whole, the empty
  /// name, stays: the process works, and a restart would not make room on the disk.
  void SetClientsServing(bool serving);
  /// Sets the health of "vico.worker" on both listeners.
  void SetWorkersAvailable(bool available);
  /// Reports all services as not serving, for good.
  void SetNotServing();

  /// Accepts no more connections and ends all open ones.
  void Close();

 private:
  Listeners() = default;
  absl::Status OpenTls(TlsFiles files, const Log& log);

  // Null without TLS, which Check() allows on loopback only.
  std::unique_ptr<TlsServer> client_tls_;  // until the listener takes it
  std::unique_ptr<ReloadingCredentials> worker_tls_;
  std::unique_ptr<WrongListener> not_for_clients_;
  std::unique_ptr<WrongListener> not_for_workers_;
  std::vector<const char*> client_services_;
  std::unique_ptr<Listener> client_;
  std::unique_ptr<Listener> worker_;
};

}  // namespace vico::server
