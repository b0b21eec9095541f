#include "server/metrics/listener.h"

#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "common/status.h"
#include "server/net/listening_sockets.h"

namespace vico::server {
namespace {

bool IsHostAndPort(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == address.size()) return false;
  const std::string port = address.substr(colon + 1);
  return port.size() <= 5 && port.find_first_not_of("0123456789") == std::string::npos &&
         std::stoi(port) <= 65535 && address.find_first_of(", +\n") == std::string::npos;
}

std::string PageOf(const std::vector<std::shared_ptr<prometheus::Collectable>>& collectables) {
  std::vector<prometheus::MetricFamily> all;
  for (const auto& each : collectables) {
    std::vector<prometheus::MetricFamily> some = each->Collect();
    std::move(some.begin(), some.end(), std::back_inserter(all));
  }
  return prometheus::TextSerializer().Serialize(all);
}

}  // namespace

absl::StatusOr<std::unique_ptr<MetricsListener>> MetricsListener::Start(
    const std::string& address,
    std::vector<std::shared_ptr<prometheus::Collectable>> collectables) {
  if (!IsHostAndPort(address)) {
    return FieldError("metrics-listen", fmt::format("must be host:port, got \"{}\"", address));
  }
  ASSIGN_OR_RETURN(ListeningSockets listening, OpenListeningSockets(address));
  ASSIGN_OR_RETURN(auto server, ScrapeServer::Start(std::move(listening.sockets), "/metrics",
                                                    [collectables = std::move(collectables)] {
                                                      return PageOf(collectables);
                                                    }));
  return std::unique_ptr<MetricsListener>(new MetricsListener(listening.port, std::move(server)));
}

}  // namespace vico::server
