// Answers GET /metrics on a listener of its own. It speaks plain HTTP and asks nobody for a key:
// what it tells are counts, and it belongs on loopback or in a network of the operator's.
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
  /// `address` is host:port; port 0: any free one. kInvalidArgument for one that is not,
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
