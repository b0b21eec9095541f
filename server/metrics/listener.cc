#include "server/metrics/listener.h"

#include <exception>
#include <utility>

#include <fmt/format.h>
#include <prometheus/exposer.h>

#include "common/status.h"

namespace vico::server {
namespace {

bool IsHostAndPort(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == address.size()) return false;
  const std::string port = address.substr(colon + 1);
  return port.size() <= 5 && port.find_first_not_of("0123456789") == std::string::npos &&
         std::stoi(port) <= 65535 && address.find_first_of(", +\n") == std::string::npos;
}

}  // namespace

MetricsListener::MetricsListener(std::unique_ptr<prometheus::Exposer> exposer,
                                 std::vector<std::shared_ptr<prometheus::Collectable>> collectables)
    : collectables_(std::move(collectables)),
      exposer_(std::move(exposer)),
      port_(exposer_->GetListeningPorts().front()) {}

MetricsListener::~MetricsListener() = default;

absl::StatusOr<std::unique_ptr<MetricsListener>> MetricsListener::Start(
    const std::string& address,
    std::vector<std::shared_ptr<prometheus::Collectable>> collectables) {
  if (!IsHostAndPort(address)) {
    return FieldError("metrics-listen", fmt::format("must be host:port, got \"{}\"", address));
  }
  std::unique_ptr<prometheus::Exposer> exposer;
  try {
    exposer = std::make_unique<prometheus::Exposer>(std::vector<std::string>{
        "listening_ports", address, "num_threads", "2", "request_timeout_ms", "5000"});
  } catch (const std::exception&) {  // the library reports every error so, without details
    return absl::UnavailableError(
        fmt::format("cannot listen on {}: is another program listening there?", address));
  }
  for (const auto& collectable : collectables) exposer->RegisterCollectable(collectable);
  return std::unique_ptr<MetricsListener>(
      new MetricsListener(std::move(exposer), std::move(collectables)));
}

}  // namespace vico::server
