#include "server/net/listeners.h"

#include <utility>

#include "common/rpc/address.h"
#include "common/status.h"

namespace vico::server {
namespace {

// A service name of the health service: serving while a worker is alive.
constexpr char kWorkerHealth[] = "vico.worker";

// gRPC's own service, on both listeners.
constexpr char kHealthService[] = "grpc.health.v1.Health";

std::vector<std::string> NamesOf(const std::vector<NamedService>& services) {
  std::vector<std::string> names{kHealthService};
  names.reserve(services.size() + 1);
  for (const NamedService& each : services) names.emplace_back(each.name);
  return names;
}

absl::StatusOr<std::unique_ptr<Listener>> StartOne(const std::string& address, ListenerTls tls,
                                                   const std::vector<NamedService>& services,
                                                   WrongListener& others,
                                                   const ConnectionLimits& limits,
                                                   const ConnectionAge& age, const Log& log) {
  ListenerServices served{.others = &others};
  served.services.reserve(services.size());
  for (const NamedService& each : services) served.services.push_back(each.service);
  ASSIGN_OR_RETURN(auto listener,
                   Listener::Start(address, std::move(tls), served, limits, age, log));
  for (const NamedService& each : services) listener->health().SetServingStatus(each.name, true);
  return listener;
}

}  // namespace

absl::Status Listeners::Check(const ListenOptions& options) {
  const TlsFiles& tls = options.tls;
  if (tls.certificate.empty() != tls.key.empty()) {
    return FieldError("cert", "must be given together with --key");
  }
  if (!tls.ca.empty() && tls.certificate.empty()) {
    return FieldError("client-ca", "requires --cert and --key");
  }
  if (options.insecure && !tls.certificate.empty()) {
    return FieldError("insecure", "cannot be combined with --cert");
  }
  RETURN_IF_ERROR(tls.certificate.empty() ? CheckLoopback("listen", options.listen)
                                          : CheckAddress("listen", options.listen));
  return tls.ca.empty() ? CheckLoopback("worker-listen", options.worker_listen)
                        : CheckAddress("worker-listen", options.worker_listen);
}

absl::Status Listeners::OpenTls(TlsFiles files, const Log& log) {
  if (!files.ca.empty()) {
    ASSIGN_OR_RETURN(worker_tls_, ReloadingCredentials::Open(files, log));
  }
  files.ca.clear();  // clients have API keys, no certificates
  if (!files.certificate.empty()) {
    ASSIGN_OR_RETURN(client_tls_, TlsServer::Open(files, log));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Listeners>> Listeners::Start(
    const ListenOptions& options, const std::vector<NamedService>& clients,
    const std::vector<NamedService>& workers, const Log& log) {
  std::unique_ptr<Listeners> both(new Listeners);
  RETURN_IF_ERROR(both->OpenTls(options.tls, log));
  for (const NamedService& each : clients) both->client_services_.push_back(each.name);
  const std::vector<std::string> client_names = NamesOf(clients);
  const std::vector<std::string> worker_names = NamesOf(workers);
  both->not_for_clients_ =
      std::make_unique<WrongListener>(kClientsListener, client_names, worker_names);
  both->not_for_workers_ =
      std::make_unique<WrongListener>(kWorkersListener, worker_names, client_names);
  ASSIGN_OR_RETURN(both->client_,
                   StartOne(options.listen, {.gate = std::move(both->client_tls_)}, clients,
                            *both->not_for_clients_, options.client_connections, options.age,
                            log.With({{"listener", "clients"}})));
  ASSIGN_OR_RETURN(both->worker_,
                   StartOne(options.worker_listen, {.mutual = both->worker_tls_.get()}, workers,
                            *both->not_for_workers_, options.worker_connections, options.age,
                            log.With({{"listener", "workers"}})));
  return both;
}

std::map<std::string, ConnectionCounts> Listeners::counts() const {
  return {{"clients", client_->counts()}, {"workers", worker_->counts()}};
}

void Listeners::SetClientsServing(bool serving) {
  for (const char* name : client_services_) client_->health().SetServingStatus(name, serving);
}

void Listeners::SetWorkersAvailable(bool available) {
  for (Listener* each : {client_.get(), worker_.get()}) {
    each->health().SetServingStatus(kWorkerHealth, available);
  }
}

void Listeners::SetNotServing() {
  for (Listener* each : {client_.get(), worker_.get()}) each->health().SetServingStatus(false);
}

void Listeners::Close() {
  for (Listener* each : {client_.get(), worker_.get()}) each->Close();
}

}  // namespace vico::server
