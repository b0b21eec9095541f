// What the server knows about its workers: their registrations, last contact, load, drain flag,
// leases, and the base models they offer. In memory: after a restart it fills up again as workers
// register and report, and no worker is draining.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/clock.h"
#include "common/mutex.h"
#include "server/jobs/catalog.h"
#include "server/jobs/job_store.h"
#include "vico/v1/admin.pb.h"
#include "vico/v1/worker.pb.h"

namespace vico::server {

/// A worker without contact for longer than this counts as gone.
inline constexpr absl::Duration kWorkerGoneAfter = absl::Seconds(60);

/// Who holds a lease, and for which job.
struct LeaseHolder {
  std::string worker;
  std::string job;
  v1::JobKind kind = v1::JOB_KIND_UNSPECIFIED;
};

/// Sums over the living workers.
struct WorkerTotals {
  int alive = 0;
  int busy = 0;  ///< of these, with a lease
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
  WorkerRegistry(Catalog& catalog, const Clock& clock) : catalog_(catalog), clock_(clock) {}

  /// Replaces the worker's earlier registration, whose leases it forgets, and stores its base
  /// models. Whether the worker is draining stays. `request.worker` is its name on this server.
  /// kFailedPrecondition, reason BASE_MODEL_DIFFERS, when another living worker offers a base model
  /// of the same name with another digest.
  absl::Status Register(const v1::RegisterRequest& request);

  /// What the worker registered. kFailedPrecondition, reason NOT_REGISTERED.
  absl::StatusOr<v1::RegisterRequest> Registration(std::string_view worker) const;

  /// The worker called and reported its load. Does nothing for an unknown worker.
  void RecordContact(std::string_view worker, const v1::WorkerLoad& load);

  /// The lease is live. False, without effect, if it is known.
  bool StartLease(const Grant& grant);

  /// As RecordContact() for the lease's worker. Does nothing for an unknown lease.
  void RecordReport(std::string_view lease_id, const v1::WorkerLoad& load);
  /// False if the lease is unknown: of several calls one ends it.
  bool EndLease(std::string_view lease_id);
  std::optional<LeaseHolder> FindLease(std::string_view lease_id) const;

  /// Blobs that the lease's worker has uploaded under it. No effect for an unknown lease.
  void RecordBlob(std::string_view lease_id, std::string_view sha256);
  bool HasBlob(std::string_view lease_id, std::string_view sha256) const;

  /// A draining worker gets no jobs, returns those it holds, and offers no base models. kNotFound.
  absl::StatusOr<v1::Worker> SetDraining(std::string_view worker, bool draining);
  bool IsDraining(std::string_view worker) const;

  /// By name. A worker without contact for a day is left out.
  std::vector<v1::Worker> List() const;

  /// A stored base model; `available` when a living worker offers it, other than a draining one.
  /// kNotFound.
  absl::StatusOr<v1::OfferedBaseModel> GetBaseModel(std::string_view name) const;
  absl::StatusOr<std::vector<v1::OfferedBaseModel>> ListBaseModels() const;  ///< by name

  /// The names of the available base models, sorted.
  std::vector<std::string> AvailableBaseModels() const;
  bool IsAvailable(std::string_view base_model) const;

  WorkerTotals Totals() const;

 private:
  struct Worker {
    v1::RegisterRequest registration;
    bool must_register = false;  ///< was gone while another worker registered
    absl::Time register_time;
    absl::Time contact_time;
    absl::Duration contact;  ///< uptime
    v1::WorkerLoad load;
    bool draining = false;
  };
  struct Lease {
    LeaseHolder holder;
    absl::Duration contact;  ///< uptime
    std::set<std::string, std::less<>> blobs;
  };

  bool IsRecent(absl::Duration contact) const;
  absl::Status CheckDigests(const v1::RegisterRequest& request) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetOld() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Touch(std::string_view worker, const v1::WorkerLoad& load)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::set<std::string, std::less<>> OfferedNames() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  v1::Worker ToMessage(const std::string& name, const Worker& worker) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Catalog& catalog_;
  const Clock& clock_;
  mutable Mutex mutex_;
  std::map<std::string, Worker, std::less<>> workers_ ABSL_GUARDED_BY(mutex_);  // by name
  std::map<std::string, Lease, std::less<>> leases_ ABSL_GUARDED_BY(mutex_);    // by lease id
};

}  // namespace vico::server
