#include "server/server.h"

#include <thread>
#include <utility>

#include <fmt/format.h>
#include <google/protobuf/stubs/logging.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>

#include "common/crypto/random_bits.h"
#include "common/status.h"
#include "common/tracing/span.h"
#include "server/metrics/state_collector.h"
#include "server/pictures/intake.h"
#include "server/rpc/calls.h"
#include "server/rpc/pool.h"

namespace vico::server {
namespace {

/// gRPC ends the process if it cannot start its first threads. Throws std::system_error if the
/// system has no room for them.
void CheckThreadsOfGrpc() {
  const Pool probe("vico-probe", 16 + 4 * static_cast<int>(std::thread::hardware_concurrency()));
}

constexpr absl::Duration kHealthInterval = absl::Seconds(1);

/// Turns the phases of jobs into spans. Empty without a sink.
OnJobPhase PhaseSink(SpanSink* spans) {
  if (spans == nullptr) return {};
  return [spans](const JobPhase& phase) {
    if (Tracing{spans, phase.trace}.enabled()) spans->Add(SpanOf(phase));
  };
}

absl::Status ReplaceFile(Files& files, const std::string& path, const std::string& bytes) {
  const std::string incoming = path + ".new";
  if (absl::Status removed = files.Remove(incoming); !removed.ok() && !absl::IsNotFound(removed)) {
    return removed;
  }
  ASSIGN_OR_RETURN(const auto file, files.Create(incoming));
  RETURN_IF_ERROR(file->Append(bytes));
  return files.Rename(incoming, path);
}

KeyPolicy KeyPolicyOf(const ListenOptions& net) {
  if (!net.tls.certificate.empty()) return KeyPolicy::kRequired;
  return net.insecure ? KeyPolicy::kNone : KeyPolicy::kIfAny;
}

/// Sets what both storage and services must know, and defaults that depend on other options.
ServerOptions Completed(ServerOptions options) {
  JobStoreOptions& jobs = options.storage.jobs;
  jobs.lease = options.lease_ttl;
  jobs.submits_per_second = options.services.admission.submits_per_second;
  jobs.submit_burst = options.services.admission.submit_burst;
  jobs.random01 = Random01;
  jobs.on_phase = PhaseSink(options.spans);
  if (!options.services.probe_disk) {
    options.services.probe_disk = [data = options.storage.data] { return DiskSpaceOf(data); };
  }
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options,
                                                      const Clock& clock, Files& files,
                                                      const Log& log) {
  RETURN_IF_ERROR(Listeners::Check(options.net));
  if (options.lease_ttl <= absl::ZeroDuration()) {
    return FieldError("lease-ttl", "must be more than 0");
  }
  std::unique_ptr<Server> server(new Server(Completed(options)));
  RETURN_IF_ERROR(RunGuarded([&] { return server->Open(clock, files, log); }));
  return server;
}

absl::Status Server::Open(const Clock& clock, Files& files, const Log& log) {
  // Settings of OpenCV, Protobuf and gRPC for the whole process. Protobuf would write a line about
  // each text of a caller that is not UTF-8 into the log, which is JSON.
  EncodeOnCallersThread();
  google::protobuf::SetLogHandler(nullptr);
  grpc::EnableDefaultHealthCheckService(true);
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();

  ASSIGN_OR_RETURN(auto decoder, DecoderProcess::Start(options_.decoder, log));
  ASSIGN_OR_RETURN(storage_, Storage::Open(options_.storage, clock, files, feed_, log));
  ASSIGN_OR_RETURN(services_, Services::Start(options_.services,
                                              {.storage = *storage_,
                                               .feed = feed_,
                                               .clock = clock,
                                               .log = log,
                                               .decoder = std::move(decoder),
                                               .keys = KeyPolicyOf(options_.net),
                                               .workers = options_.net.tls.ca.empty()
                                                              ? WorkerPolicy::kOpen
                                                              : WorkerPolicy::kCertificate,
                                               .lease_ttl = options_.lease_ttl,
                                               .spans = options_.spans,
                                               .on_registered = [this] { UpdateWorkerHealth(); }}));
  CheckThreadsOfGrpc();
  ASSIGN_OR_RETURN(listeners_, Listeners::Start(options_.net, services_->ForClients(),
                                                services_->ForWorkers(), log));
  client_port_ = listeners_->client_port();
  worker_port_ = listeners_->worker_port();
  if (!options_.metrics_listen.empty()) RETURN_IF_ERROR(OpenMetrics());
  serving_ = true;
  UpdateWorkerHealth();
  health_thread_.emplace(kHealthInterval, [this] {
    UpdateWorkerHealth();
    listeners_->SetClientsServing(storage_->Ready().ok());
  });
  services_->StartMaintenance();
  storage_->StartMaintenance();
  return ReplaceFile(files, options_.storage.data + "/ports.json", ListeningLine() + "\n");
}

absl::Status Server::OpenMetrics() {
  const StateSources sources{
      .jobs = storage_->jobs(),
      .workers = services_->workers(),
      .ready = [this] { return storage_->Ready().ok(); },
      .leader = [this] { return storage_->leadership().IsLeader(); },
      .disk = [data = options_.storage.data] { return DiskSpaceOf(data); },
      .open_streams = [this] { return services_->OpenStreams(); },
      .connections = [this] { return listeners_->counts(); },
      .spans = [spans =
                    options_.spans] { return spans == nullptr ? SpanCounts{} : spans->counts(); }};
  ASSIGN_OR_RETURN(metrics_listener_, MetricsListener::Start(options_.metrics_listen,
                                                             {services_->metrics().collectable(),
                                                              MakeStateCollector(sources)}));
  return absl::OkStatus();
}

void Server::UpdateWorkerHealth() {
  if (serving_) listeners_->SetWorkersAvailable(services_->workers().Totals().base_models > 0);
}

Server::~Server() { Drain(absl::ZeroDuration()); }

int Server::metrics_port() const { return metrics_listener_ ? metrics_listener_->port() : 0; }

std::string Server::ListeningLine() const {
  const std::string metrics =
      metrics_port() == 0 ? "" : fmt::format(R"(,"metrics_port":{})", metrics_port());
  return fmt::format(R"({{"event":"listening","client_port":{},"worker_port":{}{}}})", client_port_,
                     worker_port_, metrics);
}

size_t Server::open_streams() const {
  size_t open = 0;
  for (const auto& [group, count] : services_->OpenStreams()) open += count;
  return open;
}

void Server::Drain(absl::Duration grace) {
  metrics_listener_.reset();
  if (!listeners_) return;
  serving_ = false;
  health_thread_.reset();
  listeners_->SetNotServing();
  if (grace > absl::ZeroDuration()) absl::SleepFor(options_.drain_notice);
  services_->Drain(grace);
  listeners_->Close();
  services_->Stop();
  listeners_.reset();
  storage_->Close();
}

}  // namespace vico::server
