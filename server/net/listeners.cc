#include "server/net/listeners.h"

#include <utility>

#include "common/rpc/address.h"
#include "common/status.h"

namespace vico::server {
namespace {

// A service name of the health service: serving while a worker is alive.
constexpr char kWorkerHealth[] = "vico.worker";

absl::StatusOr<std::unique_ptr<Listener>> StartOne(const std::string& address,
                                                   const ReloadingCredentials* tls,
                                                   const std::vector<NamedService>& services,
                                                   const ConnectionLimits& limits, const Log& log) {
  std::vector<grpc::Service*> unnamed;
  unnamed.reserve(services.size());
  for (const NamedService& each : services) unnamed.push_back(each.service);
  ASSIGN_OR_RETURN(auto listener, Listener::Start(address, tls, unnamed, limits, log));
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
    ASSIGN_OR_RETURN(client_tls_, ReloadingCredentials::Open(files, log));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Listeners>> Listeners::Start(
    const ListenOptions& options, const std::vector<NamedService>& clients,
    const std::vector<NamedService>& workers, const Log& log) {
  std::unique_ptr<Listeners> both(new Listeners);
  RETURN_IF_ERROR(both->OpenTls(options.tls, log));
  ASSIGN_OR_RETURN(both->client_,
                   StartOne(options.listen, both->client_tls_.get(), clients,
                            options.client_connections, log.With({{"listener", "clients"}})));
  ASSIGN_OR_RETURN(both->worker_,
                   StartOne(options.worker_listen, both->worker_tls_.get(), workers,
                            options.worker_connections, log.With({{"listener", "workers"}})));
  return both;
}

std::map<std::string, ConnectionCounts> Listeners::counts() const {
  return {{"clients", client_->counts()}, {"workers", worker_->counts()}};
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
