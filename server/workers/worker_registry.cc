#include "server/workers/worker_registry.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "common/proto_time.h"
#include "common/status.h"

namespace vico::server {
namespace {

constexpr absl::Duration kForgottenAfter = absl::Hours(24);
constexpr absl::Duration kReadInterval = absl::Seconds(2);
constexpr absl::Duration kStoreInterval = absl::Seconds(10);
constexpr size_t kMostContacts = 10'000;

absl::Status NotRegistered(std::string_view worker) {
  return Error(absl::StatusCode::kFailedPrecondition,
               fmt::format("worker {}: has not registered", worker), "NOT_REGISTERED");
}

bool IsAlive(const StoredWorker& worker) { return worker.silent <= kWorkerGoneAfter; }

}  // namespace

WorkerRegistry::WorkerRegistry(WorkerStore& store, Catalog& catalog, EventFeed& feed,
                               const Clock& clock)
    : store_(store),
      catalog_(catalog),
      feed_(feed),
      clock_(clock),
      snapshot_(std::make_shared<const Snapshot>()),
      subscription_(feed.WatchWorkers([this] { changed_ = true; })) {}

absl::Status WorkerRegistry::Register(const v1::RegisterRequest& request) {
  RETURN_IF_ERROR(store_.Register(request));
  {
    const MutexLock lock(mutex_);
    contacts_.erase(request.worker());
  }
  feed_.WorkersChanged();
  return absl::OkStatus();
}

absl::StatusOr<StoredWorker> WorkerRegistry::Registered(std::string_view worker) const {
  absl::StatusOr<StoredWorker> found = store_.Find(worker);
  if (absl::IsNotFound(found.status()) || (found.ok() && found->must_register)) {
    return NotRegistered(worker);
  }
  return found;
}

void WorkerRegistry::RecordContact(std::string_view worker, const v1::WorkerLoad& load) {
  const absl::Duration now = clock_.Uptime();
  {
    const MutexLock lock(mutex_);
    if (contacts_.size() > kMostContacts) {
      std::erase_if(contacts_,
                    [&](const auto& entry) { return now - entry.second.at > kWorkerGoneAfter; });
    }
    Contact& contact = contacts_[std::string(worker)];
    contact.at = now;
    contact.load = load;
    if (now - contact.stored_at < kStoreInterval) return;
    contact.stored_at = now;
  }
  // If this fails, the next contact but a few is stored.
  store_.RecordContact(worker, load).IgnoreError();
}

absl::StatusOr<v1::Worker> WorkerRegistry::SetDraining(std::string_view worker, bool draining) {
  RETURN_IF_ERROR(store_.SetDraining(worker, draining));
  feed_.WorkersChanged();
  ASSIGN_OR_RETURN(const std::vector<v1::Worker> all, List());
  for (const v1::Worker& each : all) {
    if (each.name() == worker) return each;
  }
  ASSIGN_OR_RETURN(const StoredWorker found, store_.Find(worker));
  return ToMessage(found, {});
}

bool WorkerRegistry::IsDraining(std::string_view worker) const {
  const auto snapshot = Current();
  const auto found = snapshot->workers.find(worker);
  return found != snapshot->workers.end() && found->second.draining;
}

absl::StatusOr<std::vector<v1::Worker>> WorkerRegistry::List() const {
  ASSIGN_OR_RETURN(auto jobs, store_.RunningJobs());
  std::vector<v1::Worker> all;
  for (const StoredWorker& worker : Workers()) {
    if (worker.silent <= kForgottenAfter) all.push_back(ToMessage(worker, jobs[worker.name]));
  }
  return all;
}

absl::StatusOr<v1::OfferedBaseModel> WorkerRegistry::GetBaseModel(std::string_view name) const {
  ASSIGN_OR_RETURN(v1::OfferedBaseModel offer, catalog_.GetBaseModel(name));
  offer.mutable_base_model()->set_available(IsAvailable(name));
  return offer;
}

absl::StatusOr<std::vector<v1::OfferedBaseModel>> WorkerRegistry::ListBaseModels() const {
  ASSIGN_OR_RETURN(std::vector<v1::OfferedBaseModel> all, catalog_.ListBaseModels());
  for (v1::OfferedBaseModel& offer : all) {
    offer.mutable_base_model()->set_available(IsAvailable(offer.base_model().name()));
  }
  return all;
}

WorkerTotals WorkerRegistry::Totals() const {
  WorkerTotals totals;
  std::set<std::string> names;
  if (const auto jobs = store_.RunningJobs(); jobs.ok()) {
    for (const auto& [worker, running] : *jobs) names.insert(worker);
  }
  totals.busy = static_cast<int>(names.size());
  for (const StoredWorker& worker : Workers()) {
    if (!IsAlive(worker)) continue;
    names.insert(worker.name);
    const auto memory = static_cast<double>(worker.load.memory_bytes());
    totals.memory_bytes += memory;
    totals.memory_bytes_most = std::max(totals.memory_bytes_most, memory);
    totals.loaded_adapters += worker.load.loaded_adapters();
    totals.draining += worker.draining ? 1 : 0;
  }
  totals.alive = static_cast<int>(names.size());
  totals.base_models = static_cast<int>(AvailableBaseModels().size());
  return totals;
}

/// The rows, not older than kReadInterval unless the store does not answer.
std::shared_ptr<const WorkerRegistry::Snapshot> WorkerRegistry::Current() const {
  const auto known = [this] {
    const MutexLock lock(mutex_);
    return snapshot_;
  };
  const auto is_good = [this](const Snapshot& snapshot) {
    return !changed_ && clock_.Uptime() - snapshot.tried_at < kReadInterval;
  };
  if (auto snapshot = known(); is_good(*snapshot)) return snapshot;
  const MutexLock lock(reading_);
  // Another thread may have read meanwhile.
  if (auto snapshot = known(); is_good(*snapshot)) return snapshot;
  Read();
  return known();
}

void WorkerRegistry::Read() const {
  const absl::Duration now = clock_.Uptime();
  changed_ = false;  // before the read, so that no change is missed
  absl::StatusOr<std::vector<StoredWorker>> rows = store_.List();
  auto snapshot = std::make_shared<Snapshot>();
  const MutexLock lock(mutex_);
  if (rows.ok()) {
    for (StoredWorker& row : *rows) {
      std::string name = row.name;
      snapshot->workers.emplace(std::move(name), std::move(row));
    }
    snapshot->read_at = now;
  } else {
    *snapshot = *snapshot_;
  }
  snapshot->tried_at = now;
  snapshot_ = std::move(snapshot);
}

/// How long the worker has been silent, with what this server has heard since its row was stored.
absl::Duration WorkerRegistry::Silent(const Snapshot& snapshot, const StoredWorker& worker,
                                      absl::Duration now) const {
  const absl::Duration stored = worker.silent + (now - snapshot.read_at);
  const auto contact = contacts_.find(worker.name);
  return contact == contacts_.end() ? stored : std::min(stored, now - contact->second.at);
}

/// The workers by name, with what this server has heard since the rows were stored.
std::vector<StoredWorker> WorkerRegistry::Workers() const {
  const auto snapshot = Current();
  const absl::Duration now = clock_.Uptime();
  std::vector<StoredWorker> all;
  const MutexLock lock(mutex_);
  for (const auto& [name, stored] : snapshot->workers) {
    StoredWorker worker = stored;
    worker.silent = Silent(*snapshot, stored, now);
    const absl::Duration age = stored.silent + (now - snapshot->read_at);
    if (const auto contact = contacts_.find(name);
        contact != contacts_.end() && now - contact->second.at <= age) {
      worker.seen += age - worker.silent;
      worker.load = contact->second.load;
    }
    all.push_back(std::move(worker));
  }
  return all;
}

/// Whether the worker gets jobs now.
bool WorkerRegistry::Offers(const Snapshot& snapshot, const StoredWorker& worker,
                            absl::Duration now) const {
  return !worker.must_register && !worker.draining &&
         Silent(snapshot, worker, now) <= kWorkerGoneAfter;
}

std::vector<ServedBaseModel> WorkerRegistry::AvailableBaseModels() const {
  const auto snapshot = Current();
  const absl::Duration now = clock_.Uptime();
  std::map<std::string, int> devices;  // by base model
  {
    const MutexLock lock(mutex_);
    for (const auto& [name, worker] : snapshot->workers) {
      if (!Offers(*snapshot, worker, now)) continue;
      for (const v1::OfferedBaseModel& offer : worker.registration.base_models()) {
        int& most = devices[offer.base_model().name()];
        most = std::max({most, 1, static_cast<int>(worker.registration.devices())});
      }
    }
  }
  std::vector<ServedBaseModel> all;
  all.reserve(devices.size());
  for (const auto& [name, most] : devices) all.push_back({name, most});
  return all;
}

bool WorkerRegistry::IsAvailable(std::string_view base_model, int devices) const {
  const auto snapshot = Current();
  const absl::Duration now = clock_.Uptime();
  const MutexLock lock(mutex_);
  return std::any_of(snapshot->workers.begin(), snapshot->workers.end(), [&](const auto& entry) {
    mutex_.AssertHeld();
    const v1::RegisterRequest& registration = entry.second.registration;
    return std::any_of(
               registration.base_models().begin(), registration.base_models().end(),
               [&](const auto& offer) { return offer.base_model().name() == base_model; }) &&
           std::max(1, static_cast<int>(registration.devices())) >= devices &&
           Offers(*snapshot, entry.second, now);
  });
}

v1::Worker WorkerRegistry::ToMessage(const StoredWorker& worker,
                                     const std::vector<std::string>& jobs) {
  v1::Worker message;
  message.set_name(worker.name);
  message.set_device(worker.registration.device());
  message.set_build_version(worker.registration.build_version());
  for (const v1::OfferedBaseModel& offer : worker.registration.base_models()) {
    message.add_base_models(offer.base_model().name());
  }
  message.set_alive(IsAlive(worker));
  message.set_draining(worker.draining);
  // The leases of a worker that is gone are over or will be soon.
  if (message.alive()) message.mutable_jobs()->Assign(jobs.begin(), jobs.end());
  *message.mutable_load() = worker.load;
  *message.mutable_register_time() = ToProto(worker.register_time);
  *message.mutable_heard_time() = ToProto(worker.seen);
  return message;
}

}  // namespace vico::server
