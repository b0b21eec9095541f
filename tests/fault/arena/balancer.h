// A proxy in front of several servers, as in deploy/nginx and deploy/haproxy but without TLS and
// without limits per peer, on loopback.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/processes.h"
#include "tests/support/temp_folder.h"

namespace vico::fault {

struct Backend {
  int client_port = 0;
  int worker_port = 0;
};

enum class ProxyProgram {
  kNginx,    ///< learns that a server is away from failed calls
  kHaproxy,  ///< asks each server for its health
};

/// Must be created and destroyed by a thread that lives as long: the proxy ends with it.
class Balancer {
 public:
  /// Aborts when the program is missing (scripts/bootstrap --tests installs it) or does not start.
  Balancer(ProxyProgram program, const std::vector<Backend>& servers);
  ~Balancer();

  int client_port() const { return client_port_; }
  int worker_port() const { return worker_port_; }

 private:
  const TempFolder folder_;
  int client_port_ = 0;
  int worker_port_ = 0;
  std::unique_ptr<Process> proxy_;
};

}  // namespace vico::fault
