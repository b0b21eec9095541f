// The two listeners, clients' and workers', with their TLS and what each says of its health.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/log.h"
#include "server/net/listening.h"
#include "server/net/reloading_credentials.h"
#include "server/server.h"

namespace vico::server {

struct NamedService {
  const char* name;  ///< in full, as health is asked for
  grpc::Service* service;
};

/// Any thread, but for Start() and Close().
class Listeners {
 public:
  /// kInvalidArgument for an address off this machine without TLS, and for flags of TLS that do not
  /// go together.
  static absl::Status Check(const ServerOptions& options);

  /// Listens at both addresses and says that all services are well. `options` have passed Check().
  /// kFailedPrecondition for certificate files that are not as they should be, kUnavailable when it
  /// cannot listen. The services must outlive the listeners.
  static absl::StatusOr<std::unique_ptr<Listeners>> Start(const ServerOptions& options,
                                                          const std::vector<NamedService>& clients,
                                                          const std::vector<NamedService>& workers,
                                                          const Log& log);

  int client_port() const { return client_->port(); }  ///< 0 with a Unix socket
  int worker_port() const { return worker_->port(); }

  /// By listener: "clients" and "workers".
  std::map<std::string, ConnectionCounts> counts() const;

  /// Both say whether a worker is alive, as the health of "vico.worker".
  void SetWorkersAvailable(bool alive);
  /// From now on nothing is well.
  void SayNotServing();

  /// Accepts no more and ends all connections.
  void Close();

 private:
  Listeners() = default;
  absl::Status OpenTls(TlsFiles files, const Log& log);

  std::unique_ptr<ReloadingCredentials> client_tls_;  // null: plain, from this machine alone
  std::unique_ptr<ReloadingCredentials> worker_tls_;
  std::unique_ptr<Listener> client_;
  std::unique_ptr<Listener> worker_;
};

}  // namespace vico::server
