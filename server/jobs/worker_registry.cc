#include "server/jobs/worker_registry.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/proto_time.h"
#include "common/status.h"

namespace vico::server {
namespace {

constexpr absl::Duration kForgottenAfter = absl::Hours(24);

absl::Status NotRegistered(std::string_view worker) {
  return Error(absl::StatusCode::kFailedPrecondition,
               fmt::format("worker {}: has not registered", worker), "NOT_REGISTERED");
}

}  // namespace

absl::Status WorkerRegistry::Register(const v1::RegisterRequest& request) {
  {
    MutexLock lock(mutex_);
    RETURN_IF_ERROR(CheckDigests(request));
    ForgetOld();
    std::erase_if(
        leases_, [&](const auto& entry) { return entry.second.holder.worker == request.worker(); });
    Worker& worker = workers_[request.worker()];
    worker.registration = request;
    worker.must_register = false;
    worker.register_time = clock_.Now();
    worker.contact_time = worker.register_time;
    worker.contact = clock_.Uptime();
    worker.load.Clear();
  }
  return catalog_.SaveBaseModels({request.base_models().begin(), request.base_models().end()});
}

absl::StatusOr<v1::RegisterRequest> WorkerRegistry::Registration(std::string_view worker) const {
  MutexLock lock(mutex_);
  const auto found = workers_.find(worker);
  if (found == workers_.end() || found->second.must_register) return NotRegistered(worker);
  return found->second.registration;
}

void WorkerRegistry::RecordContact(std::string_view worker, const v1::WorkerLoad& load) {
  MutexLock lock(mutex_);
  Touch(worker, load);
}

bool WorkerRegistry::StartLease(const Grant& grant) {
  MutexLock lock(mutex_);
  return leases_
      .try_emplace(grant.lease_id,
                   Lease{{grant.worker, grant.job.name(), grant.job.kind()}, clock_.Uptime(), {}})
      .second;
}

void WorkerRegistry::RecordReport(std::string_view lease_id, const v1::WorkerLoad& load) {
  MutexLock lock(mutex_);
  const auto found = leases_.find(lease_id);
  if (found == leases_.end()) return;
  found->second.contact = clock_.Uptime();
  Touch(found->second.holder.worker, load);
}

bool WorkerRegistry::EndLease(std::string_view lease_id) {
  MutexLock lock(mutex_);
  const auto found = leases_.find(lease_id);
  if (found == leases_.end()) return false;
  leases_.erase(found);
  return true;
}

std::optional<LeaseHolder> WorkerRegistry::FindLease(std::string_view lease_id) const {
  MutexLock lock(mutex_);
  const auto found = leases_.find(lease_id);
  if (found == leases_.end()) return std::nullopt;
  return found->second.holder;
}

void WorkerRegistry::RecordBlob(std::string_view lease_id, std::string_view sha256) {
  MutexLock lock(mutex_);
  if (const auto found = leases_.find(lease_id); found != leases_.end()) {
    found->second.blobs.insert(std::string(sha256));
  }
}

bool WorkerRegistry::HasBlob(std::string_view lease_id, std::string_view sha256) const {
  MutexLock lock(mutex_);
  const auto found = leases_.find(lease_id);
  return found != leases_.end() && found->second.blobs.contains(sha256);
}

absl::StatusOr<v1::Worker> WorkerRegistry::SetDraining(std::string_view worker, bool draining) {
  MutexLock lock(mutex_);
  const auto found = workers_.find(worker);
  if (found == workers_.end()) {
    return Error(absl::StatusCode::kNotFound,
                 fmt::format("name: no such worker: {}", worker.substr(0, 130)),
                 "WORKER_NOT_FOUND");
  }
  found->second.draining = draining;
  return ToMessage(found->first, found->second);
}

bool WorkerRegistry::IsDraining(std::string_view worker) const {
  MutexLock lock(mutex_);
  const auto found = workers_.find(worker);
  return found != workers_.end() && found->second.draining;
}

std::vector<v1::Worker> WorkerRegistry::List() const {
  MutexLock lock(mutex_);
  std::vector<v1::Worker> all;
  for (const auto& [name, worker] : workers_) {
    if (clock_.Uptime() - worker.contact <= kForgottenAfter) all.push_back(ToMessage(name, worker));
  }
  return all;
}

absl::StatusOr<v1::OfferedBaseModel> WorkerRegistry::GetBaseModel(std::string_view name) const {
  ASSIGN_OR_RETURN(v1::OfferedBaseModel offer, catalog_.GetBaseModel(name));
  MutexLock lock(mutex_);
  offer.mutable_base_model()->set_available(OfferedNames().contains(name));
  return offer;
}

absl::StatusOr<std::vector<v1::OfferedBaseModel>> WorkerRegistry::ListBaseModels() const {
  ASSIGN_OR_RETURN(std::vector<v1::OfferedBaseModel> all, catalog_.ListBaseModels());
  MutexLock lock(mutex_);
  const auto offered = OfferedNames();
  for (v1::OfferedBaseModel& offer : all) {
    offer.mutable_base_model()->set_available(offered.contains(offer.base_model().name()));
  }
  return all;
}

std::vector<std::string> WorkerRegistry::AvailableBaseModels() const {
  MutexLock lock(mutex_);
  const auto names = OfferedNames();
  return {names.begin(), names.end()};
}

bool WorkerRegistry::IsAvailable(std::string_view base_model) const {
  MutexLock lock(mutex_);
  return OfferedNames().contains(base_model);
}

WorkerTotals WorkerRegistry::Totals() const {
  MutexLock lock(mutex_);
  WorkerTotals totals;
  std::set<std::string_view> names;
  for (const auto& [lease_id, lease] : leases_) {
    if (IsRecent(lease.contact)) names.insert(lease.holder.worker);
  }
  totals.busy = static_cast<int>(names.size());
  for (const auto& [name, worker] : workers_) {
    if (!IsRecent(worker.contact)) continue;
    names.insert(name);
    const auto memory = static_cast<double>(worker.load.memory_bytes());
    totals.memory_bytes += memory;
    totals.memory_bytes_most = std::max(totals.memory_bytes_most, memory);
    totals.loaded_adapters += worker.load.loaded_adapters();
    totals.draining += worker.draining ? 1 : 0;
  }
  totals.alive = static_cast<int>(names.size());
  totals.base_models = static_cast<int>(OfferedNames().size());
  return totals;
}

bool WorkerRegistry::IsRecent(absl::Duration contact) const {
  return clock_.Uptime() - contact <= kWorkerGoneAfter;
}

absl::Status WorkerRegistry::CheckDigests(const v1::RegisterRequest& request) const {
  for (const auto& [name, worker] : workers_) {
    if (name == request.worker() || worker.must_register || !IsRecent(worker.contact)) continue;
    for (const auto& theirs : worker.registration.base_models()) {
      for (const auto& ours : request.base_models()) {
        if (ours.base_model().name() != theirs.base_model().name() ||
            ours.base_model().digest() == theirs.base_model().digest()) {
          continue;
        }
        return Error(
            absl::StatusCode::kFailedPrecondition,
            fmt::format("{}: has digest {} here, and {} at worker {}", ours.base_model().name(),
                        ours.base_model().digest(), theirs.base_model().digest(), name),
            "BASE_MODEL_DIFFERS");
      }
    }
  }
  return absl::OkStatus();
}

void WorkerRegistry::ForgetOld() {
  const absl::Duration oldest = clock_.Uptime() - kForgottenAfter;
  std::erase_if(workers_, [&](const auto& entry) { return entry.second.contact < oldest; });
  std::erase_if(leases_, [&](const auto& entry) { return entry.second.contact < oldest; });
  for (auto& [name, worker] : workers_) {
    if (!IsRecent(worker.contact)) worker.must_register = true;
  }
}

void WorkerRegistry::Touch(std::string_view worker, const v1::WorkerLoad& load) {
  const auto found = workers_.find(worker);
  if (found == workers_.end()) return;
  found->second.contact = clock_.Uptime();
  found->second.contact_time = clock_.Now();
  found->second.load = load;
}

std::set<std::string, std::less<>> WorkerRegistry::OfferedNames() const {
  std::set<std::string, std::less<>> names;
  for (const auto& [name, worker] : workers_) {
    if (worker.must_register || worker.draining || !IsRecent(worker.contact)) continue;
    for (const v1::OfferedBaseModel& offer : worker.registration.base_models()) {
      names.insert(offer.base_model().name());
    }
  }
  return names;
}

v1::Worker WorkerRegistry::ToMessage(const std::string& name, const Worker& worker) const {
  v1::Worker message;
  message.set_name(name);
  message.set_device(worker.registration.device());
  message.set_build_version(worker.registration.build_version());
  for (const v1::OfferedBaseModel& offer : worker.registration.base_models()) {
    message.add_base_models(offer.base_model().name());
  }
  message.set_alive(IsRecent(worker.contact));
  message.set_draining(worker.draining);
  // The leases of a worker that is gone are over or will be soon.
  for (const auto& [lease_id, lease] : leases_) {
    if (message.alive() && lease.holder.worker == name) message.add_jobs(lease.holder.job);
  }
  *message.mutable_load() = worker.load;
  *message.mutable_register_time() = ToProto(worker.register_time);
  *message.mutable_heard_time() = ToProto(worker.contact_time);
  return message;
}

}  // namespace vico::server
