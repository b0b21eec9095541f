#include "server/services/services.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "common/crypto/random_bits.h"
#include "common/status.h"
#include "server/access/api_key_cache.h"
#include "server/access/tenant_maintenance.h"
#include "server/checks/spec_check.h"
#include "server/checks/tokenizer_cache.h"
#include "server/downloads/thumbnail_maker.h"
#include "server/jobs/housekeeping.h"
#include "server/metrics/call_log.h"
#include "server/metrics/metered_blob_store.h"
#include "server/metrics/metered_job_store.h"
#include "server/resources/stores.h"
#include "server/rpc/calls.h"
#include "server/rpc/pool.h"
#include "server/services/adapter_service.h"
#include "server/services/admin_service.h"
#include "server/services/concept_service.h"
#include "server/services/key_service.h"
#include "server/services/model_service.h"
#include "server/services/picture_service.h"
#include "server/services/worker_service.h"

namespace vico::server {
namespace {

CallLimits WithAnswerTime(CallLimits limits, const ServiceOptions& options) {
  limits.answer = options.answer_time;
  return limits;
}

}  // namespace

// Members are destroyed in reverse order: users before what they use.
struct Services::Parts {
  Parts(const ServiceOptions& o, ServiceContext c);

  void LogAndCount(const CallRecord& call);

  const ServiceOptions options;
  const ServiceContext context;
  Metrics metrics;
  WorkerRegistry workers;
  LeaseHolders leases;
  MeteredJobStore jobs;
  MeteredBlobStore blobs;
  TokenizerCache tokenizers;
  Admission admission;
  DecodeQueue decoding;
  Stores stores;
  SpecCheck specs;
  ApiKeyCache keys;
  ThumbnailMaker thumbnails;
  const ApiKeyAuthenticator client_authenticator;
  const CertificateAuthenticator worker_authenticator;
  Pool pool;
  Pool transfers;
  Pool intake;
  // Separate limits, so that clients' calls, their uploads and workers' calls cannot crowd out one
  // another.
  Calls calls;
  Calls uploads;
  Calls worker_calls;
  TenantMaintenance tenant_maintenance;
  ConceptService concept_service;
  JobService job_service;
  AdapterService adapter_service;
  ModelService model_service;
  PictureService picture_service;
  KeyService key_service;
  WorkerService worker_service;
  AdminService admin_service;
  std::unique_ptr<Housekeeping> housekeeping;
};

Services::Parts::Parts(const ServiceOptions& o, ServiceContext c)
    : options(o),
      context(std::move(c)),
      metrics(options.version),
      workers(context.storage.workers(), context.storage.catalog(), context.feed, context.clock),
      jobs(context.storage.jobs(), leases, metrics),
      blobs(context.storage.blobs(), metrics),
      tokenizers(context.storage.blobs()),
      admission(options.admission, context.clock, options.probe_disk),
      decoding(options.decoding),
      stores{jobs,
             blobs,
             context.storage.catalog(),
             workers,
             leases,
             context.feed,
             tokenizers,
             *context.decoder,
             admission,
             decoding,
             context.storage.pictures(),
             context.storage.job_changes()},
      specs({stores.catalog, stores.jobs, stores.pictures}, workers, tokenizers, RandomBits),
      keys(context.storage.tenants(), context.clock),
      thumbnails(stores, options.thumbnail_threads),
      client_authenticator(keys, context.keys),
      worker_authenticator(context.workers),
      pool("vico-calls", options.threads),
      transfers("vico-transfers", options.transfer_threads),
      // Each upload has a thread, which waits while other pictures are decoded; one more checks the
      // uploads' limits meanwhile.
      intake("vico-intake", static_cast<int>(options.upload_calls.streams) + 1),
      calls(
          pool, client_authenticator, WithAnswerTime(options.calls, options),
          [this](const auto& call) { LogAndCount(call); }, &transfers),
      uploads(intake, client_authenticator, WithAnswerTime(options.upload_calls, options),
              [this](const auto& call) { LogAndCount(call); }),
      worker_calls(
          pool, worker_authenticator, WithAnswerTime(options.worker_calls, options),
          [this](const auto& call) { LogAndCount(call); }, &transfers),
      tenant_maintenance(keys, context.storage.tenant_eraser(), context.storage.leadership(),
                         context.feed, context.log,
                         [this] {
                           calls.Recheck();
                           uploads.Recheck();
                         }),
      concept_service(calls, stores, uploads, options.uploads),
      job_service(calls, stores, specs, context.clock, options.streams),
      adapter_service(calls, stores, uploads, options.uploads),
      model_service(calls, stores, specs, options.version),
      picture_service(calls, stores, thumbnails, uploads, options.uploads),
      key_service(calls, context.storage.tenants(), [this] { tenant_maintenance.KeysChanged(); }),
      worker_service(worker_calls, stores,
                     {.lease_ttl = context.lease_ttl, .on_registered = context.on_registered}),
      admin_service(worker_calls,
                    {context.storage.tenants(), context.storage.tenant_eraser(), jobs, workers},
                    [this] { tenant_maintenance.KeysChanged(); }) {}

void Services::Parts::LogAndCount(const CallRecord& call) {
  metrics.Called(call.notes.method, call.status.code(), absl::FromChrono(call.duration));
  LogCall(context.log, call);
  TraceCall(context.spans, call);
}

Services::Services(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

absl::StatusOr<std::unique_ptr<Services>> Services::Start(const ServiceOptions& options,
                                                          ServiceContext context) {
  auto parts = std::make_unique<Parts>(options, std::move(context));
  RETURN_IF_ERROR(parts->keys.Refresh().status());
  return std::unique_ptr<Services>(new Services(std::move(parts)));
}

Services::~Services() { Stop(); }

std::vector<NamedService> Services::ForClients() {
  Parts& p = *parts_;
  return {{v1::ConceptService::service_full_name(), &p.concept_service},
          {v1::JobService::service_full_name(), &p.job_service},
          {v1::AdapterService::service_full_name(), &p.adapter_service},
          {v1::ModelService::service_full_name(), &p.model_service},
          {v1::PictureService::service_full_name(), &p.picture_service},
          {v1::KeyService::service_full_name(), &p.key_service}};
}

std::vector<NamedService> Services::ForWorkers() {
  Parts& p = *parts_;
  return {{v1::WorkerService::service_full_name(), &p.worker_service},
          {v1::AdminService::service_full_name(), &p.admin_service}};
}

const WorkerRegistry& Services::workers() const { return parts_->workers; }

Metrics& Services::metrics() { return parts_->metrics; }

std::map<std::string, size_t> Services::OpenStreams() const {
  return {{"clients", parts_->calls.open_streams()},
          {"uploads", parts_->uploads.open_streams()},
          {"workers", parts_->worker_calls.open_streams()}};
}

void Services::StartMaintenance() {
  Parts& p = *parts_;
  p.housekeeping = std::make_unique<Housekeeping>(
      p.jobs, p.context.storage.leadership(), p.context.clock, p.context.log,
      HousekeepingOptions{.interval = p.options.housekeeping,
                          .pause = std::min(absl::Seconds(2), p.context.lease_ttl / 2),
                          .base_models = [&p] { return p.workers.AvailableBaseModels(); },
                          .catalog = &p.stores.catalog});
  p.housekeeping->Start();
  p.tenant_maintenance.Start();
}

void Services::Drain(absl::Duration grace) {
  const std::array groups{&parts_->calls, &parts_->uploads, &parts_->worker_calls};
  for (Calls* group : groups) group->Drain();
  parts_->decoding.Stop();
  const auto deadline = std::chrono::steady_clock::now() + absl::ToChronoMilliseconds(grace);
  for (Calls* group : groups) group->WaitForAnswers(deadline);
}

void Services::Stop() {
  Parts& p = *parts_;
  p.decoding.Stop();
  p.intake.Stop();
  p.thumbnails.Stop();
  p.transfers.Stop();
  p.pool.Stop();
  p.tenant_maintenance.Stop();
  p.housekeeping.reset();
}

}  // namespace vico::server
