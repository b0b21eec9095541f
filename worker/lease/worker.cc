#include "worker/lease/worker.h"

#include <algorithm>
#include <utility>

#include <unistd.h>

#include "common/ids.h"
#include "common/process/resident_bytes.h"
#include "common/proto_time.h"
#include "common/status.h"

namespace vico::worker {
namespace {

constexpr int kMostLeased = 8;                                  // by one call, as servers allow
constexpr absl::Duration kLookAgain = absl::Milliseconds(100);  // whether the engine has room

/// The server has no record of this worker: it was restarted, or the registration has expired.
bool IsUnknownWorker(const absl::Status& status) {
  return absl::IsNotFound(status) || absl::IsFailedPrecondition(status);
}

/// The server is unavailable, or a worker of this name has not expired yet.
bool IsWorthWaiting(const absl::Status& status) {
  return IsTransient(status) || absl::IsAlreadyExists(status) || absl::IsAborted(status);
}

void AskFor(const Room& room, v1::LeaseRequest& request) {
  request.set_max_jobs(std::clamp(room.generations, 1, kMostLeased));
  request.clear_kinds();
  if (room.generations > 0 && room.other) return;  // all kinds
  if (room.generations > 0) request.add_kinds(v1::JOB_KIND_GENERATION);
  if (room.other) {
    request.add_kinds(v1::JOB_KIND_TRAINING);
    request.add_kinds(v1::JOB_KIND_EVALUATION);
  }
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
      offers_(engine.offers()),
      use_(engine),
      tools_{.link = link_,
             .engine = engine_,
             .use = use_,
             .clock = clock_,
             .pause = pause_,
             .log = log_,
             .options = options_,
             .load = [this] { return CurrentLoad(); }},
      backoff_(WorkerBackoff(options_.jitter_seed)) {
  request_.set_worker(options_.name);
  for (const auto& offer : offers_) request_.add_base_models(offer.base_model.name());
  request_.mutable_wait()->set_seconds(absl::ToInt64Seconds(options_.lease_wait));
  request_.set_devices(engine_.devices());
}

absl::Status Worker::Run(const std::stop_token& stop) {
  LeasedJobs jobs(MostGenerations());
  const std::stop_callback release(stop, [&jobs] { jobs.Stop(); });
  while (!stop.stop_requested()) {
    const LeasedJobs::Ends ends = jobs.TakeEnds();
    // Backs off from a server that grants jobs and then drains them.
    if (ends.released && !BackOff(stop)) break;
    if (ends.any && !ends.released) backoff_.Reset();
    const Room room = RoomIn(jobs);
    if (room.empty()) {
      jobs.WaitForEnd(kLookAgain, stop);
      continue;
    }
    RETURN_IF_ERROR(use_.ReadyIfUnused());
    if (!registered_) RETURN_IF_ERROR(TryToRegister(stop));
    if (registered_) RETURN_IF_ERROR(LeaseInto(jobs, room, stop));
  }
  return absl::OkStatus();
}

int Worker::MostGenerations() const {
  return std::max(1, std::min(options_.batch_jobs, engine_.most_generations()));
}

Room Worker::RoomIn(const LeasedJobs& jobs) const {
  Room room = jobs.room();
  if (!use_.HasRoomFor(EngineUse::Length::kShort)) room.generations = 0;
  if (!use_.HasRoomFor(EngineUse::Length::kLong)) room.other = false;
  return room;
}

/// Backs off if the server is unavailable.
absl::Status Worker::TryToRegister(const std::stop_token& stop) {
  absl::Status status = Register();
  LogServerState(status);
  registered_ = status.ok();
  if (registered_) return absl::OkStatus();
  if (!IsWorthWaiting(status)) return status;
  BackOff(stop);
  return absl::OkStatus();
}

/// Leases jobs for the room, and starts them. The call ends early if a job ends meanwhile, since
/// there is more room then.
absl::Status Worker::LeaseInto(LeasedJobs& jobs, const Room& room, const std::stop_token& stop) {
  AskFor(room, request_);
  if (request_.nonce().empty()) request_.set_nonce(NewId());
  *request_.mutable_load() = CurrentLoad();
  std::stop_source call;
  const std::stop_callback end(stop, [&call] { call.request_stop(); });
  jobs.StopAtNextEnd(call);
  const absl::Duration sent = clock_.Uptime();
  const auto lease = link_.Lease(request_, call.get_token());
  if (!lease.ok()) return AfterFailedLease(lease.status(), call.stop_requested(), stop);
  LogServerState(absl::OkStatus());
  request_.clear_nonce();
  for (const v1::LeasedJob& job : lease->jobs()) Start(jobs, job, FromProto(lease->ttl()), stop);
  if (!lease->jobs().empty()) return absl::OkStatus();
  // Backs off from a server that answers at once without a job.
  if (clock_.Uptime() - sent < absl::Seconds(1)) {
    BackOff(stop);
  } else {
    backoff_.Reset();
  }
  return absl::OkStatus();
}

/// `interrupted`: this worker ended the call.
absl::Status Worker::AfterFailedLease(const absl::Status& status, bool interrupted,
                                      const std::stop_token& stop) {
  if (stop.stop_requested() || (interrupted && absl::IsCancelled(status))) return absl::OkStatus();
  registered_ = false;  // the server may have been restarted
  if (IsUnknownWorker(status)) {
    log_.Info("the server does not know this worker; registering again");
  } else {
    LogServerState(status);
    if (!IsWorthWaiting(status)) return status;
  }
  BackOff(stop);
  return absl::OkStatus();
}

/// A server of before LeaseRequest.kinds may grant a job that there is no room for.
void Worker::Start(LeasedJobs& jobs, const v1::LeasedJob& job, absl::Duration ttl,
                   const std::stop_token& stop) {
  const uint64_t jitter_seed = options_.jitter_seed + ++jobs_served_;
  const bool started =
      jobs.Start(job, [this, job, ttl, jitter_seed](const std::stop_token& release) {
        return ServeJob(job, ttl, jitter_seed, release, tools_);
      });
  if (started) return;
  GiveBack(job, ttl, jitter_seed, tools_);
  BackOff(stop);
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

void Worker::LogServerState(const absl::Status& status) {
  if (status.ok() && server_unavailable_) log_.Info("the server is available again");
  if (!status.ok() && !server_unavailable_) {
    log_.Warning("the server does not answer; retrying", {{"error", status.ToString()}});
  }
  server_unavailable_ = !status.ok();
}

}  // namespace vico::worker
