// Interface of the stored workers, which all servers on one database share.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "vico/v1/worker.pb.h"

namespace vico::server {

/// A worker without contact for longer than this counts as gone.
inline constexpr absl::Duration kWorkerGoneAfter = absl::Seconds(60);

struct StoredWorker {
  std::string name;
  v1::RegisterRequest registration;
  v1::WorkerLoad load;
  absl::Time register_time;  ///< store time
  absl::Time seen;           ///< store time of the last stored contact
  absl::Duration silent;     ///< since `seen`, when the row was read
  bool draining = false;
  bool must_register = false;  ///< was gone while another worker registered
};

/// Any thread. A change is durable when a call returns OK.
class WorkerStore {
 public:
  virtual ~WorkerStore() = default;

  /// Replaces the worker's earlier registration and stores its base models. Whether the worker is
  /// draining stays. Workers that are gone must register again, and those that have been for a day
  /// are deleted. `request.worker` is its name on this server. kFailedPrecondition, reason
  /// BASE_MODEL_DIFFERS, when another living worker offers a base model of the same name with
  /// another digest; reason BLOB_MISSING when a tokenizer file is not stored.
  virtual absl::Status Register(const v1::RegisterRequest& request) = 0;

  /// kNotFound, reason WORKER_NOT_FOUND.
  virtual absl::StatusOr<StoredWorker> Find(std::string_view worker) = 0;

  /// By name.
  virtual absl::StatusOr<std::vector<StoredWorker>> List() = 0;

  /// The worker called now. Does nothing for an unknown worker.
  virtual absl::Status RecordContact(std::string_view worker, const v1::WorkerLoad& load) = 0;

  /// kNotFound, reason WORKER_NOT_FOUND.
  virtual absl::Status SetDraining(std::string_view worker, bool draining) = 0;

  /// The running jobs of each worker that has one.
  virtual absl::StatusOr<std::map<std::string, std::vector<std::string>>> RunningJobs() = 0;
};

}  // namespace vico::server
