// An nginx in front of several servers, as in deploy/nginx but without TLS, on loopback.
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

/// Must be created and destroyed by a thread that lives as long: nginx ends with it.
class Balancer {
 public:
  /// Aborts when nginx is missing (scripts/bootstrap --tests installs it) or does not start.
  explicit Balancer(const std::vector<Backend>& servers);
  ~Balancer();

  int client_port() const { return client_port_; }
  int worker_port() const { return worker_port_; }

 private:
  const TempFolder folder_;
  int client_port_ = 0;
  int worker_port_ = 0;
  std::unique_ptr<Process> nginx_;
};

}  // namespace vico::fault
