#include "worker/job/worker.h"

#include <optional>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "common/ids.h"
#include "common/proto_time.h"
#include "common/resident_bytes.h"
#include "common/status.h"
#include "common/tracing/trace_message.h"
#include "worker/job/finish_job.h"
#include "worker/job/job_context.h"
#include "worker/job/reporter.h"
#include "worker/job/run_job.h"

namespace vico::worker {
namespace {

/// The server has no record of this worker, as after it lost its memory.
bool IsUnknownWorker(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsFailedPrecondition(status);
}

/// Worth waiting for: the server is away, or another worker of this name has not been forgotten
/// yet.
bool MayPass(const absl::Status& status) {
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

absl::Status Worker::Run(std::stop_token stop) {
  v1::LeaseRequest request;
  request.set_worker(options_.name);
  for (const auto& offer : offers_) request.add_base_models(offer.base_model.name());
  request.mutable_wait()->set_seconds(absl::ToInt64Seconds(options_.lease_wait));
  request.set_max_jobs(1);

  BackOff back_off({}, options_.jitter_seed);
  bool registered = false;
  while (!stop.stop_requested()) {
    RETURN_IF_ERROR(engine_.Ready());
    if (!registered) {
      const absl::Status status = Register();
      NoteServer(status);
      if (!status.ok()) {
        if (!MayPass(status)) return status;
        pause_.For(back_off.Next(), stop);
        continue;
      }
      registered = true;
    }

    if (request.nonce().empty()) request.set_nonce(NewId());  // kept until an answer has come
    *request.mutable_load() = LoadNow();
    const absl::Duration asked = clock_.Uptime();
    const auto lease = link_.Lease(request, stop);
    if (stop.stop_requested() && !lease.ok()) break;
    if (IsUnknownWorker(lease.status())) {
      log_.Info("the server does not know this worker; registering again");
      registered = false;
      pause_.For(back_off.Next(), stop);
      continue;
    }
    NoteServer(lease.status());
    if (!lease.ok()) {
      if (!MayPass(lease.status())) return lease.status();
      registered = false;  // the server may have been restarted
      pause_.For(back_off.Next(), stop);
      continue;
    }
    request.clear_nonce();
    const absl::Duration ttl = lease->has_ttl() ? FromProto(lease->ttl()) : default_ttl_;
    // A server that has no job and does not wait, or takes its jobs back, is not asked in a circle.
    bool in_a_circle = lease->jobs().empty() && clock_.Uptime() - asked < absl::Seconds(1);
    for (const v1::LeasedJob& job : lease->jobs()) {
      in_a_circle = Serve(job, ttl, stop) == Served::kReleased;
    }
    if (in_a_circle) {
      pause_.For(back_off.Next(), stop);
    } else {
      back_off.Reset();
    }
  }
  return absl::OkStatus();
}

v1::WorkerLoad Worker::LoadNow() const {
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
  request.set_build_version(options_.build_version);
  for (const auto& offer : offers_) {
    auto& offered = *request.add_base_models();
    *offered.mutable_base_model() = offer.base_model;
    *offered.mutable_vocabulary() = BlobRefOf(offer.vocabulary, "application/json");
    *offered.mutable_merges() = BlobRefOf(offer.merges, "text/plain");
    RETURN_IF_ERROR(link_.PutBlob(offered.vocabulary(), offer.vocabulary, {}));
    RETURN_IF_ERROR(link_.PutBlob(offered.merges(), offer.merges, {}));
  }
  ASSIGN_OR_RETURN(const v1::RegisterResponse response, link_.Register(request));
  if (response.has_lease_ttl()) default_ttl_ = FromProto(response.lease_ttl());
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
                              .load = [this] { return LoadNow(); }};
  reporting.timing.hang = options_.hang;
  Reporter reporter(link_, clock_, log, lease, std::move(reporting));
  JobContext context(link_, reporter, clock_, pause_, lease, stop, tracing);

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
    log.Error("the end of the job was not taken", {{"error", finished.ToString()}});
  }
  return served;
}

void Worker::NoteServer(const absl::Status& status) {
  if (status.ok() && server_away_) log_.Info("the server is back");
  if (!status.ok() && !server_away_) {
    log_.Warning("the server does not answer; trying again", {{"error", status.ToString()}});
  }
  server_away_ = !status.ok();
}

}  // namespace vico::worker
