#include "server/server.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>
#include <sys/random.h>

#include "common/status.h"
#include "server/services/adapter_service.h"
#include "server/services/admin_service.h"
#include "server/blobs/blob_maintenance.h"
#include "server/blobs/blob_recovery.h"
#include "server/blobs/blob_store_local.h"
#include "server/blobs/blob_store_tracked.h"
#include "server/metrics/call_log.h"
#include "server/store/sql_catalog.h"
#include "server/services/concept_service.h"
#include "server/disk/data_folder.h"
#include "server/sql/database.h"
#include "server/jobs/event_feed.h"
#include "server/access/authenticators.h"
#include "server/jobs/housekeeping.h"
#include "server/pictures/intake.h"
#include "server/services/job_service.h"
#include "server/store/sql_job_store.h"
#include "server/access/api_key_cache.h"
#include "server/services/key_service.h"
#include "server/net/listeners.h"
#include "server/metrics/listener.h"
#include "server/metrics/metered_blob_store.h"
#include "server/metrics/metered_job_store.h"
#include "server/metrics/metrics.h"
#include "server/metrics/state_collector.h"
#include "server/services/model_service.h"
#include "server/rpc/calls.h"
#include "server/rpc/pool.h"
#include "server/checks/spec_check.h"
#include "server/services/stores.h"
#include "server/store/tenant_eraser.h"
#include "server/access/tenant_maintenance.h"
#include "server/store/tenant_store.h"
#include "server/checks/tokenizer_cache.h"
#include "server/jobs/worker_book.h"
#include "server/services/worker_service.h"

namespace vico::server {
namespace {

constexpr size_t kMaxUploads = 32;  // at once; each may hold a picture of 10 MiB

uint64_t RandomBits() {
  uint64_t bits = 0;
  // Up to 256 bytes come whole once the kernel's pool is ready, and it waits until then.
  if (getrandom(&bits, sizeof(bits), 0) != static_cast<ssize_t>(sizeof(bits))) std::abort();
  return bits;
}

double Random01() { return static_cast<double>(RandomBits() >> 11) / 9007199254740992.0; }

/// What a job went through becomes spans, if somebody wants them.
OnJobPhase TellOf(SpanSink* spans) {
  if (spans == nullptr) return {};
  return [spans](const JobPhase& phase) {
    if (Tracing{spans, phase.trace}.wanted()) spans->Add(SpanOf(phase));
  };
}

void LogRecovery(const Log& log, const BlobRecovery& recovery) {
  if (recovery.adopted + recovery.deleted + recovery.forgotten > 0) {
    log.Warning("blobs and their rows were made to agree", {{"adopted", recovery.adopted},
                                                            {"deleted", recovery.deleted},
                                                            {"forgotten", recovery.forgotten}});
  }
  for (const LostBlob& blob : recovery.lost) {
    log.Error("a blob is lost", {{"tenant", blob.tenant},
                                 {"sha256", blob.sha256},
                                 {"named_by", fmt::format("{}", fmt::join(blob.users, " "))}});
  }
}

absl::Status WriteWhole(Files& files, const std::string& path, const std::string& bytes) {
  const std::string incoming = path + ".new";
  if (absl::Status removed = files.Remove(incoming); !removed.ok() && !absl::IsNotFound(removed)) {
    return removed;
  }
  ASSIGN_OR_RETURN(const auto file, files.Create(incoming));
  RETURN_IF_ERROR(file->Append(bytes));
  return files.Rename(incoming, path);
}

}  // namespace

/// In the order of making; unmade the other way round.
struct Server::Parts {
  Parts(const ServerOptions& o, const Clock& clock, const Log& l,
        std::unique_ptr<DataFolder> folder, std::unique_ptr<Database> database_in,
        std::unique_ptr<LocalBlobStore> blobs_in)
      : options(o),
        log(l),
        data(std::move(folder)),
        database(std::move(database_in)),
        blob_files(std::move(blobs_in)),
        steady(clock),
        blobs(*blob_files, *database, steady),
        metrics(o.version),
        metered_blobs(blobs, metrics),
        catalog(*database, clock),
        tokenizers(blobs),
        tenants(*database, clock),
        keys(tenants, clock),
        eraser(*database, blobs, tenants, clock),
        worker_book(clock),
        client_gate(keys, !o.tls.certificate.empty() ? KeyPolicy::kRequired
                          : o.insecure               ? KeyPolicy::kNone
                                                     : KeyPolicy::kIfAny),
        worker_gate(o.tls.ca.empty() ? WorkerPolicy::kOpen : WorkerPolicy::kCertificate) {}

  void Tick();
  int AvailableBaseModels();
  std::shared_ptr<prometheus::Collectable> StateCollector(const Clock& clock);

  const ServerOptions options;
  const Log log;
  const std::unique_ptr<DataFolder> data;
  const std::unique_ptr<Database> database;
  const std::unique_ptr<LocalBlobStore> blob_files;
  const SteadyTime steady;
  TrackedBlobStore blobs;
  Metrics metrics;
  MeteredBlobStore metered_blobs;
  EventFeed feed;
  SqlCatalog catalog;
  TokenizerCache tokenizers;
  std::unique_ptr<PictureDecoder> decoder;
  TenantStore tenants;
  ApiKeyCache keys;
  TenantEraser eraser;
  WorkerBook worker_book;
  const ApiKeyAuthenticator client_gate;
  const CertificateAuthenticator worker_gate;
  std::unique_ptr<Admission> admission;
  std::unique_ptr<SqlJobStore> jobs;
  std::unique_ptr<MeteredJobStore> metered_jobs;
  std::unique_ptr<Stores> stores;
  std::unique_ptr<Housekeeping> housekeeping;
  std::unique_ptr<BlobMaintenance> blob_keeper;
  std::unique_ptr<SpecCheck> specs;
  std::unique_ptr<Pool> pool;
  std::unique_ptr<Pool> intake;
  // Counted apart, so that none can crowd out the others: clients' calls and watches, their
  // uploads, the workers' calls.
  std::unique_ptr<Calls> calls;
  std::unique_ptr<Calls> uploads;
  std::unique_ptr<Calls> worker_calls;
  std::unique_ptr<ConceptService> concept_service;
  std::unique_ptr<JobService> job_service;
  std::unique_ptr<AdapterService> adapter_service;
  std::unique_ptr<ModelService> model_service;
  std::unique_ptr<WorkerService> worker_service;
  std::unique_ptr<TenantMaintenance> keeper;
  std::unique_ptr<KeyService> key_service;
  std::unique_ptr<AdminService> admin_service;
  std::unique_ptr<Listeners> listeners;
  std::atomic<bool> listening{false};                 // the listeners are set
  std::atomic<bool> leaving{false};                   // health says so, whatever comes
  std::unique_ptr<MetricsListener> metrics_listener;  // reads all of the above
  int client_port = 0;
  int worker_port = 0;
};

/// Those that a living worker serves.
int Server::Parts::AvailableBaseModels() {
  const auto all = catalog.ListBaseModels();
  if (!all.ok()) return 0;
  return static_cast<int>(std::count_if(all->begin(), all->end(), [](const auto& offered) {
    return offered.base_model().available();
  }));
}

std::shared_ptr<prometheus::Collectable> Server::Parts::StateCollector(const Clock& clock) {
  return MakeStateCollector(
      {.database = *database,
       .clock = clock,
       .data = options.data,
       .open_streams =
           [this] {
             return std::map<std::string, size_t>{{"clients", calls->open_streams()},
                                                  {"uploads", uploads->open_streams()},
                                                  {"workers", worker_calls->open_streams()}};
           },
       .connections = [this] { return listeners->counts(); },
       .workers = [this] { return metered_jobs->CountWorkers().alive; },
       .workers_busy = [this] { return metered_jobs->CountWorkers().busy; },
       .base_models = [this] { return AvailableBaseModels(); },
       .load = [this] { return worker_book.Sum(); },
       .spans =
           [this] { return options.spans == nullptr ? SpanCounts{} : options.spans->counts(); }});
}

/// Once a second: says whether a worker is alive.
void Server::Parts::Tick() {
  if (!listening || leaving) return;
  listeners->SetWorkersAvailable(AvailableBaseModels() > 0);
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const ServerOptions& options,
                                                      const Clock& clock, Files& files,
                                                      const Log& log) {
  RETURN_IF_ERROR(Listeners::Check(options));
  if (options.lease_ttl <= absl::ZeroDuration()) {
    return FieldError("lease-ttl", "must be more than 0");
  }
  EncodeOnCallersThread();
  grpc::EnableDefaultHealthCheckService(true);  // both are gRPC's, for the whole process
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();

  ASSIGN_OR_RETURN(auto decoder, DecoderProcess::Start(options.decoder, log));
  ASSIGN_OR_RETURN(auto data, DataFolder::Open(options.data));
  ASSIGN_OR_RETURN(auto database, Database::Open(data->DatabasePath()));
  ASSIGN_OR_RETURN(auto blobs, LocalBlobStore::Open(data->BlobPath(), files));
  auto parts = std::make_unique<Parts>(options, clock, log, std::move(data), std::move(database),
                                       std::move(blobs));
  Parts& p = *parts;
  p.decoder = std::move(decoder);
  ASSIGN_OR_RETURN(const BlobRecovery recovery, RecoverBlobs(*p.database, *p.blob_files, p.steady));
  LogRecovery(log, recovery);
  ASSIGN_OR_RETURN(p.jobs,
                   SqlJobStore::Open(*p.database, clock, p.feed,
                                        {.lease = options.lease_ttl,
                                         .queued_per_tenant = options.queued_per_tenant,
                                         .queued_total = options.queued_total,
                                         .trainings_per_tenant = options.trainings_per_tenant,
                                         .generations_per_tenant = options.generations_per_tenant,
                                         .random01 = Random01,
                                         .on_phase = TellOf(options.spans)}));
  Admission::ProbeDisk probe_disk = options.probe_disk;
  if (!probe_disk) probe_disk = [data = options.data] { return DiskSpaceOf(data); };
  p.admission = std::make_unique<Admission>(options.admission, clock, std::move(probe_disk));
  p.metered_jobs = std::make_unique<MeteredJobStore>(*p.jobs, p.metrics, clock);
  p.stores.reset(new Stores{*p.metered_jobs, p.metered_blobs, p.catalog, p.feed, p.tokenizers,
                            *p.decoder, *p.admission});
  p.specs = std::make_unique<SpecCheck>(*p.stores, RandomBits);
  p.pool = std::make_unique<Pool>("vico-calls", options.threads);
  p.intake = std::make_unique<Pool>("vico-intake", options.intake_threads);
  const auto log_call = [log, &p](const CallRecord& call) {
    p.metrics.Called(call.notes.method, call.status.code(), absl::FromChrono(call.took));
    LogCall(log, call);
    TraceCall(p.options.spans, call);
  };
  p.calls = std::make_unique<Calls>(*p.pool, p.client_gate, CallLimits{}, log_call);
  p.uploads = std::make_unique<Calls>(*p.intake, p.client_gate, CallLimits{.streams = kMaxUploads},
                                      log_call);
  p.worker_calls = std::make_unique<Calls>(*p.pool, p.worker_gate, CallLimits{}, log_call);
  p.concept_service =
      std::make_unique<ConceptService>(*p.calls, *p.stores, *p.uploads, options.uploads);
  p.job_service = std::make_unique<JobService>(*p.calls, *p.stores, *p.specs, options.streams);
  p.adapter_service =
      std::make_unique<AdapterService>(*p.calls, *p.stores, *p.uploads, options.uploads);
  p.model_service = std::make_unique<ModelService>(*p.calls, *p.stores, options.version);
  p.worker_service = std::make_unique<WorkerService>(
      *p.worker_calls, *p.stores, p.worker_book,
      WorkerServiceOptions{.lease_ttl = options.lease_ttl, .on_registered = [&p] { p.Tick(); }});
  p.keeper = std::make_unique<TenantMaintenance>(p.keys, p.eraser, log, [&p] {
    p.calls->Recheck();
    p.uploads->Recheck();
  });
  const auto keys_changed = [&p] { p.keeper->Refresh(); };
  p.key_service = std::make_unique<KeyService>(*p.calls, p.tenants, keys_changed);
  p.admin_service =
      std::make_unique<AdminService>(*p.worker_calls, p.tenants, p.eraser,
                                     AdminSources{p.worker_book, *p.database, clock}, keys_changed);
  RETURN_IF_ERROR(p.keys.Refresh().status());

  ASSIGN_OR_RETURN(
      p.listeners,
      Listeners::Start(options,
                       {{v1::ConceptService::service_full_name(), p.concept_service.get()},
                        {v1::JobService::service_full_name(), p.job_service.get()},
                        {v1::AdapterService::service_full_name(), p.adapter_service.get()},
                        {v1::ModelService::service_full_name(), p.model_service.get()},
                        {v1::KeyService::service_full_name(), p.key_service.get()}},
                       {{v1::WorkerService::service_full_name(), p.worker_service.get()},
                        {v1::AdminService::service_full_name(), p.admin_service.get()}},
                       log));
  p.client_port = p.listeners->client_port();
  p.worker_port = p.listeners->worker_port();
  if (!options.metrics_listen.empty()) {
    ASSIGN_OR_RETURN(p.metrics_listener,
                     MetricsListener::Start(options.metrics_listen,
                                            {p.metrics.collectable(), p.StateCollector(clock)}));
  }
  p.listening = true;
  auto server = std::unique_ptr<Server>(new Server(std::move(parts)));
  p.housekeeping = std::make_unique<Housekeeping>(
      *p.metered_jobs, p.feed, clock, log,
      HousekeepingOptions{.interval = options.housekeeping,
                          .pause = std::min(absl::Seconds(2), options.lease_ttl / 2)});
  p.housekeeping->Start();
  p.keeper->Start();
  p.blob_keeper =
      std::make_unique<BlobMaintenance>(*p.database, *p.blob_files, p.steady, log,
                                   BlobMaintenanceOptions{.garbage_age = options.garbage_age,
                                                     .scrub_interval = options.scrub_interval});
  p.blob_keeper->Start();
  server->KeepTicking();
  RETURN_IF_ERROR(WriteWhole(files, options.data + "/ports.json", server->ListeningLine() + "\n"));
  return server;
}

void Server::KeepTicking() {
  parts_->Tick();
  parts_->pool->PostAt(std::chrono::steady_clock::now() + std::chrono::seconds(1),
                       [this] { KeepTicking(); });
}

Server::~Server() { Drain(absl::ZeroDuration()); }

int Server::client_port() const { return parts_->client_port; }
int Server::worker_port() const { return parts_->worker_port; }
int Server::metrics_port() const {
  return parts_->metrics_listener ? parts_->metrics_listener->port() : 0;
}

std::string Server::ListeningLine() const {
  const std::string metrics =
      metrics_port() == 0 ? "" : fmt::format(R"(,"metrics_port":{})", metrics_port());
  return fmt::format(R"({{"event":"listening","client_port":{},"worker_port":{}{}}})",
                     parts_->client_port, parts_->worker_port, metrics);
}

size_t Server::open_streams() const {
  return parts_->calls->open_streams() + parts_->uploads->open_streams() +
         parts_->worker_calls->open_streams();
}

absl::Status Server::Health() { return parts_->database->Health(); }

void Server::Drain(absl::Duration grace) {
  Parts& p = *parts_;
  p.metrics_listener.reset();
  if (!p.listeners) return;
  p.leaving = true;
  p.listeners->SayNotServing();
  if (grace > absl::ZeroDuration()) absl::SleepFor(p.options.drain_notice);
  const std::array calls{p.calls.get(), p.uploads.get(), p.worker_calls.get()};
  for (Calls* each : calls) each->Drain();
  const auto deadline = std::chrono::steady_clock::now() + absl::ToChronoMilliseconds(grace);
  for (Calls* each : calls) each->WaitForAnswers(deadline);
  p.listeners->Close();
  p.intake->Stop();
  p.pool->Stop();
  p.keeper.reset();
  p.listeners.reset();
  p.housekeeping.reset();
  p.blob_keeper.reset();
}

}  // namespace vico::server
