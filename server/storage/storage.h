// Owner of all durable state in one data folder: database, blob files and the threads that maintain
// them. It hands out interfaces only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/clock.h"
#include "common/log.h"
#include "server/blobs/blob_store.h"
#include "server/disk/files.h"
#include "server/jobs/catalog.h"
#include "server/jobs/event_feed.h"
#include "server/jobs/job_changes.h"
#include "server/jobs/job_store.h"
#include "server/jobs/leadership.h"
#include "server/jobs/picture_store.h"
#include "server/postgres/postgres_options.h"
#include "server/s3/s3_options.h"
#include "server/tenants/tenant_eraser.h"
#include "server/tenants/tenant_quota.h"
#include "server/tenants/tenant_store.h"
#include "server/workers/worker_store.h"

namespace vico::server {

struct StorageOptions {
  std::string data;        ///< folder; created if missing
  JobStoreOptions jobs{};  ///< `quota` in it is replaced by the one below
  TenantQuota quota{.bytes = uint64_t{50} << 30, .adapters = 200, .uploaded_pictures = 1000};
  absl::Duration garbage_age = absl::Hours(24);  ///< age at which an unreferenced blob is deleted
  absl::Duration scrub_interval = absl::Hours(24);  ///< between the starts of two scrub rounds
  /// The PostgreSQL database; none: an SQLite file in the folder.
  std::optional<PostgresOptions> postgres{};
  /// The bucket of the blobs; none: files in the folder.
  std::optional<S3Options> s3{};
  /// How long the objects of deleted blobs are kept.
  absl::Duration deleted_objects_grace = absl::ZeroDuration();
  /// Replaces the job store by a wrapper around it; tests plant defects with it. None if left out.
  std::function<std::unique_ptr<JobStore>(std::unique_ptr<JobStore>)> wrap_jobs{};
};

/// Any thread, except Open, StartMaintenance and Close.
class Storage {
 public:
  /// Locks the data folder, opens the database, and reconciles blob files with their rows.
  /// kFailedPrecondition, reason DATA_FOLDER_IN_USE, when another
  /// process has locked the folder; kFailedPrecondition for a network file system or a database of
  /// a newer program; kDataLoss for a damaged database. The references must outlive the storage.
  static absl::StatusOr<std::unique_ptr<Storage>> Open(const StorageOptions& options,
                                                       const Clock& clock, Files& files,
                                                       EventFeed& feed, const Log& log);

  /// Close() first.
  ~Storage();

  JobStore& jobs();
  Catalog& catalog();
  TenantStore& tenants();
  BlobStore& blobs();
  TenantEraser& tenant_eraser();
  PictureStore& pictures();
  JobChanges& job_changes();
  WorkerStore& workers();

  /// Whether this server is the one that maintains what several servers share.
  const Leadership& leadership() const;

  /// OK, or why the process must exit, as Database::Health().
  absl::Status Health() const;

  /// OK while the data folder takes writes and a bucket answers; see Readiness::Now().
  absl::Status Ready() const;

  /// Starts the threads that collect blob garbage, scrub blobs, try writes and check the database.
  void StartMaintenance();

  /// Stops maintenance and empties the database's log. The stores stay usable until the destructor.
  void Close();

 private:
  struct Parts;
  explicit Storage(std::unique_ptr<Parts> parts);

  const std::unique_ptr<Parts> parts_;
};

}  // namespace vico::server
