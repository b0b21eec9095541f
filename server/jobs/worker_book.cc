#include "server/jobs/worker_book.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/proto_time.h"
#include "common/status.h"
#include "server/jobs/catalog.h"
#include "server/store/job_rows.h"

namespace vico::server {
namespace {

constexpr absl::Duration kForgottenAfter = absl::Hours(24);

}  // namespace

void WorkerBook::Registered(const v1::RegisterRequest& request) {
  const std::lock_guard lock(mutex_);
  const absl::Duration now = clock_.Uptime();
  std::erase_if(entries_,
                [&](const auto& entry) { return now - entry.second.heard > kForgottenAfter; });
  Entry& entry = entries_[request.worker()];
  const bool draining = entry.shown.draining();
  entry.shown.Clear();
  entry.shown.set_name(request.worker());
  entry.shown.set_device(request.device());
  entry.shown.set_build_version(request.build_version());
  entry.shown.set_draining(draining);
  for (const v1::OfferedBaseModel& offered : request.base_models()) {
    entry.shown.add_base_models(offered.base_model().name());
  }
  *entry.shown.mutable_register_time() = ToProto(clock_.Now());
  *entry.shown.mutable_heard_time() = entry.shown.register_time();
  entry.heard = now;
}

void WorkerBook::Heard(std::string_view worker, const v1::WorkerLoad& load) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(worker);
  if (found == entries_.end()) return;
  found->second.heard = clock_.Uptime();
  *found->second.shown.mutable_heard_time() = ToProto(clock_.Now());
  *found->second.shown.mutable_load() = load;
}

void WorkerBook::Took(std::string_view worker, std::string_view job) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(worker);
  if (found == entries_.end()) return;
  const auto& jobs = found->second.shown.jobs();
  if (std::find(jobs.begin(), jobs.end(), job) != jobs.end()) return;
  found->second.shown.add_jobs(std::string(job));
}

void WorkerBook::GaveBack(std::string_view worker, std::string_view job) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(worker);
  if (found == entries_.end()) return;
  auto& jobs = *found->second.shown.mutable_jobs();
  jobs.erase(std::remove(jobs.begin(), jobs.end(), job), jobs.end());
}

absl::StatusOr<v1::Worker> WorkerBook::Drain(std::string_view worker, bool drain) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(worker);
  if (found == entries_.end()) {
    return absl::NotFoundError(fmt::format("name: no such worker: {}", worker.substr(0, 130)));
  }
  found->second.shown.set_draining(drain);
  return Shown(found->second);
}

bool WorkerBook::IsDraining(std::string_view worker) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(worker);
  return found != entries_.end() && found->second.shown.draining();
}

std::vector<v1::Worker> WorkerBook::List() const {
  const std::lock_guard lock(mutex_);
  std::vector<v1::Worker> all;
  for (const auto& [name, entry] : entries_) {
    if (clock_.Uptime() - entry.heard <= kForgottenAfter) all.push_back(Shown(entry));
  }
  return all;
}

WorkerLoads WorkerBook::Sum() const {
  const std::lock_guard lock(mutex_);
  WorkerLoads sum;
  for (const auto& [name, entry] : entries_) {
    if (!IsAlive(entry)) continue;
    const auto memory = static_cast<double>(entry.shown.load().memory_bytes());
    sum.memory_bytes += memory;
    sum.memory_bytes_most = std::max(sum.memory_bytes_most, memory);
    sum.loaded_adapters += entry.shown.load().loaded_adapters();
    sum.draining += entry.shown.draining() ? 1 : 0;
  }
  return sum;
}

bool WorkerBook::IsAlive(const Entry& entry) const {
  return clock_.Uptime() - entry.heard <= kWorkerGoneAfter;
}

v1::Worker WorkerBook::Shown(const Entry& entry) const {
  v1::Worker shown = entry.shown;
  shown.set_alive(IsAlive(entry));
  if (!shown.alive()) shown.clear_jobs();  // their leases are over
  return shown;
}

}  // namespace vico::server
