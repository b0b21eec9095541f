#include "worker/job/worker.h"

#include <optional>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "common/ids.h"
#include "common/process/resident_bytes.h"
#include "common/proto_time.h"
#include "common/status.h"
#include "common/tracing/trace_message.h"
#include "worker/job/finish_job.h"
#include "worker/job/job_context.h"
#include "worker/job/reporter.h"
#include "worker/job/run_job.h"

namespace vico::worker {
namespace {

/// The server has no record of this worker: it was restarted, or the registration has expired.
bool IsUnknownWorker(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsFailedPrecondition(status);
}

/// The server is unavailable, or a worker of this name has not expired yet.
bool IsWorthWaiting(const absl::Status& status) {
  return IsTransient(status) || absl::IsAlreadyExists(status) || absl::IsAborted(status);
}

}  // namespace

Worker::Worker(ServerLink& link, Engine& engine, const Clock& clock, Pause& pause, const Log& log,
               WorkerOptions options)
    : link_(link),
      engine_(engine),
      clock_(clock),
      pause_(pause),
      log_(log),
      options_(std::move(options)),
      offers_(engine.offers()) {}

absl::Status Worker::Run(const std::stop_token& stop) {
  v1::LeaseRequest request;
  request.set_worker(options_.name);
  for (const auto& offer : offers_) request.add_base_models(offer.base_model.name());
  request.mutable_wait()->set_seconds(absl::ToInt64Seconds(options_.lease_wait));
  request.set_max_jobs(1);
  request.set_devices(engine_.devices());

  Backoff backoff = WorkerBackoff(options_.jitter_seed);
  bool registered = false;
  while (!stop.stop_requested()) {
    RETURN_IF_ERROR(engine_.Ready());
    if (!registered) {
      absl::Status status = Register();
      LogServerState(status);
      if (!status.ok()) {
        if (!IsWorthWaiting(status)) return status;
        pause_.For(backoff.Next(), stop);
        continue;
      }
      registered = true;
    }

    if (request.nonce().empty()) request.set_nonce(NewId());  // kept until the server answers
    *request.mutable_load() = CurrentLoad();
    const absl::Duration sent = clock_.Uptime();
    const auto lease = link_.Lease(request, stop);
    if (stop.stop_requested() && !lease.ok()) break;
    if (IsUnknownWorker(lease.status())) {
      log_.Info("the server does not know this worker; registering again");
      registered = false;
      pause_.For(backoff.Next(), stop);
      continue;
    }
    LogServerState(lease.status());
    if (!lease.ok()) {
      if (!IsWorthWaiting(lease.status())) return lease.status();
      registered = false;  // the server may have been restarted
      pause_.For(backoff.Next(), stop);
      continue;
    }
    request.clear_nonce();
    const absl::Duration ttl = FromProto(lease->ttl());
    // Backs off from a server that answers at once without a job, or with jobs that it then drains.
    bool busy_loop = lease->jobs().empty() && clock_.Uptime() - sent < absl::Seconds(1);
    for (const v1::LeasedJob& job : lease->jobs()) {
      busy_loop = Serve(job, ttl, stop) == Served::kReleased;
    }
    if (busy_loop) {
      pause_.For(backoff.Next(), stop);
    } else {
      backoff.Reset();
    }
  }
  return absl::OkStatus();
}

v1::WorkerLoad Worker::CurrentLoad() const {
  const EngineLoad engine = engine_.load();
  v1::WorkerLoad load;
  load.set_memory_bytes(ResidentBytes(getpid()) + engine.memory_bytes);
  load.set_loaded_adapters(engine.loaded_adapters);
  return load;
}

absl::Status Worker::Register() {
  v1::RegisterRequest request;
  request.set_worker(options_.name);
  request.set_device(engine_.device());
  request.set_devices(engine_.devices());
  request.set_build_version(options_.build_version);
  for (const auto& offer : offers_) {
    auto& offered = *request.add_base_models();
    *offered.mutable_base_model() = offer.base_model;
    *offered.mutable_vocabulary() = BlobRefOf(offer.vocabulary, "application/json");
    *offered.mutable_merges() = BlobRefOf(offer.merges, "text/plain");
    RETURN_IF_ERROR(link_.PutBlob(offered.vocabulary(), offer.vocabulary, {}));
    RETURN_IF_ERROR(link_.PutBlob(offered.merges(), offer.merges, {}));
    if (offer.added_tokens.empty()) continue;
    *offered.mutable_added_tokens() = BlobRefOf(offer.added_tokens, "application/json");
    RETURN_IF_ERROR(link_.PutBlob(offered.added_tokens(), offer.added_tokens, {}));
  }
  RETURN_IF_ERROR(link_.Register(request).status());
  log_.Info("registered", {{"base_models", offers_.size()}});
  if (options_.on_registered) options_.on_registered();
  return absl::OkStatus();
}

Worker::Served Worker::Serve(const v1::LeasedJob& job, absl::Duration ttl,
                             const std::stop_token& stop) {
  const Tracing tracing{options_.spans, FromProto(job.trace())};
  Log log = log_.With({{"job", job.job()}, {"lease", job.lease_id()}, {"attempt", job.attempt()}});
  if (!tracing.parent.trace_id.empty()) log = log.With({{"trace_id", tracing.parent.trace_id}});
  log.Info("leased");
  const uint64_t jitter_seed = options_.jitter_seed + ++jobs_served_;
  const LeaseKey lease{.job = job.job(), .lease_id = job.lease_id()};
  Reporter::Options reporting{.timing = ReportTiming::ForLease(ttl),
                              .jitter_seed = jitter_seed,
                              .on_hang = options_.on_hang,
                              .load = [this] { return CurrentLoad(); }};
  reporting.timing.hang = options_.hang;
  Reporter reporter(link_, clock_, log, lease, std::move(reporting));
  JobContext context(link_, reporter, clock_, pause_, lease, stop, tracing, options_.build_version);

  std::optional<v1::FinishRequest> outcome = RunJob(job, engine_, context, log);
  if (!outcome) {
    log.Warning("job abandoned");
    return Served::kEnded;
  }
  switch (reporter.FlushAndStop()) {
    case Verdict::kLost:
      log.Warning("job abandoned");
      return Served::kEnded;
    case Verdict::kCancel:
      outcome->mutable_cancelled();
      break;
    case Verdict::kDrain:
    case Verdict::kFinish:
    case Verdict::kGoOn:
      break;
  }
  const Served served = outcome->has_released() ? Served::kReleased : Served::kEnded;
  const absl::Status finished = FinishJob(*std::move(outcome), {.link = link_,
                                                                .clock = clock_,
                                                                .pause = pause_,
                                                                .jitter_seed = jitter_seed,
                                                                .patience = 2 * ttl});
  if (finished.ok()) {
    log.Info("finished");
  } else {
    log.Error("the server refused the end of the job", {{"error", finished.ToString()}});
  }
  return served;
}

void Worker::LogServerState(const absl::Status& status) {
  if (status.ok() && server_unavailable_) log_.Info("the server is available again");
  if (!status.ok() && !server_unavailable_) {
    log_.Warning("the server does not answer; retrying", {{"error", status.ToString()}});
  }
  server_unavailable_ = !status.ok();
}

}  // namespace vico::worker
