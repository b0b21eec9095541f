// The HTTP listener that answers GET /metrics. It uses neither TLS nor authentication, so it
// belongs on loopback or in the operator's network; it exposes counts only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

namespace prometheus {
class Collectable;
class Exposer;
}  // namespace prometheus

namespace vico::server {

class MetricsListener {
 public:
  /// `address` is host:port; port 0: any free one. kInvalidArgument for a malformed address,
  /// kUnavailable when it cannot listen there.
  static absl::StatusOr<std::unique_ptr<MetricsListener>> Start(
      const std::string& address,
      std::vector<std::shared_ptr<prometheus::Collectable>> collectables);
  ~MetricsListener();

  int port() const { return port_; }

 private:
  MetricsListener(std::unique_ptr<prometheus::Exposer> exposer,
                  std::vector<std::shared_ptr<prometheus::Collectable>> collectables);

  const std::vector<std::shared_ptr<prometheus::Collectable>> collectables_;
  const std::unique_ptr<prometheus::Exposer> exposer_;
  const int port_;
};

}  // namespace vico::server
