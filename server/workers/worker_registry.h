// What the servers on one database know about their workers: registrations, last contact, load,
// drains, and the base models they offer. The rows are shared; this server reads them again when
// they have changed, and every two seconds. Contacts with this server count at once, and are stored
// every ten seconds.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/clock.h"
#include "common/mutex.h"
#include "server/jobs/catalog.h"
#include "server/jobs/event_feed.h"
#include "server/jobs/job_store.h"
#include "server/workers/worker_store.h"
#include "vico/v1/admin.pb.h"
#include "vico/v1/worker.pb.h"

namespace vico::server {

/// Sums over the living workers.
struct WorkerTotals {
  int alive = 0;
  int busy = 0;  ///< workers with a lease, whether they have registered or not
  int draining = 0;
  int base_models = 0;  ///< different ones on offer
  double memory_bytes = 0;
  double memory_bytes_most = 0;  ///< of the worker that uses most
  double loaded_adapters = 0;
};

/// Any thread.
class WorkerRegistry {
 public:
  /// The references must outlive it.
  WorkerRegistry(WorkerStore& store, Catalog& catalog, EventFeed& feed, const Clock& clock);

  /// As WorkerStore::Register().
  absl::Status Register(const v1::RegisterRequest& request);

  /// The worker as stored now. kFailedPrecondition, reason NOT_REGISTERED.
  absl::StatusOr<StoredWorker> Registered(std::string_view worker) const;

  /// The worker called and reported its load. Does nothing for an unknown worker.
  void RecordContact(std::string_view worker, const v1::WorkerLoad& load);

  /// A draining worker gets no jobs, returns those it holds, and offers no base models. kNotFound.
  absl::StatusOr<v1::Worker> SetDraining(std::string_view worker, bool draining);
  bool IsDraining(std::string_view worker) const;

  /// By name. A worker without contact for a day is left out.
  absl::StatusOr<std::vector<v1::Worker>> List() const;

  /// A stored base model; `available` when a living worker offers it, other than a draining one.
  /// kNotFound.
  absl::StatusOr<v1::OfferedBaseModel> GetBaseModel(std::string_view name) const;
  absl::StatusOr<std::vector<v1::OfferedBaseModel>> ListBaseModels() const;  ///< by name

  /// The available base models, by name.
  std::vector<ServedBaseModel> AvailableBaseModels() const;
  /// Whether a living worker with that many devices offers it, other than a draining one.
  bool IsAvailable(std::string_view base_model, int devices = 1) const;

  WorkerTotals Totals() const;

 private:
  /// The rows at one moment, by name.
  struct Snapshot {
    std::map<std::string, StoredWorker, std::less<>> workers;
    absl::Duration read_at = -absl::InfiniteDuration();  ///< uptimes
    absl::Duration tried_at = -absl::InfiniteDuration();
  };
  /// With this server.
  struct Contact {
    absl::Duration at;  ///< uptime
    absl::Duration stored_at = -absl::InfiniteDuration();
    v1::WorkerLoad load;
  };

  std::shared_ptr<const Snapshot> Current() const;
  void Read() const;
  std::vector<StoredWorker> Workers() const;
  absl::Duration Silent(const Snapshot& snapshot, const StoredWorker& worker,
                        absl::Duration now) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool Offers(const Snapshot& snapshot, const StoredWorker& worker, absl::Duration now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  static v1::Worker ToMessage(const StoredWorker& worker, const std::vector<std::string>& jobs);

  WorkerStore& store_;
  Catalog& catalog_;
  EventFeed& feed_;
  const Clock& clock_;
  mutable Mutex reading_;  // held while the rows are read
  mutable Mutex mutex_;
  mutable std::shared_ptr<const Snapshot> snapshot_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Contact, std::less<>> contacts_ ABSL_GUARDED_BY(mutex_);  // by worker
  mutable std::atomic<bool> changed_{true};     // since the snapshot was read
  const EventFeed::Subscription subscription_;  // last: its wake uses the other members
};

}  // namespace vico::server
