// The HTTP listener that answers GET /metrics. It uses neither TLS nor authentication, so it
// belongs on loopback or in the operator's network; it exposes counts only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "server/metrics/scrape_server.h"

namespace prometheus {
class Collectable;
}

namespace vico::server {

class MetricsListener {
 public:
  /// `address` is host:port; port 0: any free one. kInvalidArgument for a malformed address,
  /// kUnavailable when it cannot listen there.
  static absl::StatusOr<std::unique_ptr<MetricsListener>> Start(
      const std::string& address,
      std::vector<std::shared_ptr<prometheus::Collectable>> collectables);

  int port() const { return port_; }

 private:
  MetricsListener(int port, std::unique_ptr<ScrapeServer> server)
      : port_(port), server_(std::move(server)) {}

  const int port_;
  const std::unique_ptr<ScrapeServer> server_;
};

}  // namespace vico::server
