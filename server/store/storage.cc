#include "server/store/storage.h"

#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/status.h"
#include "server/blobs/blob_maintenance.h"
#include "server/blobs/blob_recovery.h"
#include "server/blobs/tracked_blob_store.h"
#include "server/disk/data_folder.h"
#include "server/jobs/store_clock.h"
#include "server/objects/local_objects.h"
#include "server/sql/sqlite_database.h"
#include "server/store/readiness.h"
#include "server/store/sql_catalog.h"
#include "server/store/sql_job_changes.h"
#include "server/store/sql_job_store.h"
#include "server/store/sql_picture_store.h"
#include "server/store/sql_tenant_eraser.h"
#include "server/store/sql_tenant_store.h"
#include "server/store/sql_worker_store.h"

namespace vico::server {
namespace {

void LogRecovery(const Log& log, const BlobRecovery& recovery) {
  if (recovery.erased + recovery.adopted + recovery.deleted + recovery.forgotten > 0) {
    log.Warning("blob files and rows were reconciled", {{"erased_tenants", recovery.erased},
                                                        {"adopted", recovery.adopted},
                                                        {"deleted", recovery.deleted},
                                                        {"forgotten", recovery.forgotten}});
  }
  for (const LostBlob& blob : recovery.lost) {
    log.Error("a blob is lost", {{"tenant", blob.tenant},
                                 {"sha256", blob.sha256},
                                 {"named_by", fmt::format("{}", fmt::join(blob.users, " "))}});
  }
}

}  // namespace

// Members are destroyed in reverse order: users before what they use.
struct Storage::Parts {
  Parts(const StorageOptions& options_in, const Clock& clock, Files& files, const Log& log_in,
        std::unique_ptr<DataFolder> folder_in, std::unique_ptr<Database> database_in,
        std::unique_ptr<ObjectStore> objects_in)
      : options(options_in),
        log(log_in),
        time(clock),
        folder(std::move(folder_in)),
        database(std::move(database_in)),
        objects(std::move(objects_in)),
        blob_parts{*objects, *database, time, options.deleted_objects_grace},
        blobs(blob_parts, options.quota),
        catalog(*database, clock, time, options.quota),
        tenants(*database, clock),
        eraser(*database, blobs, tenants, clock),
        pictures(*database),
        job_changes(*database, clock, time),
        workers(*database, time),
        readiness(*database, files, options.data + "/.readiness", clock, log) {}

  const StorageOptions options;
  const Log log;
  const StoreClock time;
  const std::unique_ptr<DataFolder> folder;
  const std::unique_ptr<Database> database;
  const std::unique_ptr<ObjectStore> objects;
  const BlobParts blob_parts;
  TrackedBlobStore blobs;
  SqlCatalog catalog;
  SqlTenantStore tenants;
  SqlTenantEraser eraser;
  SqlPictureStore pictures;
  SqlJobChanges job_changes;
  SqlWorkerStore workers;
  const AlwaysLeader always;
  std::unique_ptr<JobStore> jobs;
  Readiness readiness;
  std::unique_ptr<BlobMaintenance> maintenance;
};

Storage::Storage(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

absl::StatusOr<std::unique_ptr<Storage>> Storage::Open(const StorageOptions& options,
                                                       const Clock& clock, Files& files,
                                                       EventFeed& feed, const Log& log) {
  ASSIGN_OR_RETURN(auto folder, DataFolder::Open(options.data));
  ASSIGN_OR_RETURN(auto database, SqliteDatabase::Open(folder->DatabasePath()));
  ASSIGN_OR_RETURN(auto objects, LocalObjects::Open(folder->BlobPath(), files));
  auto parts = std::make_unique<Parts>(options, clock, files, log, std::move(folder),
                                       std::move(database), std::move(objects));
  Parts& p = *parts;
  ASSIGN_OR_RETURN(const BlobRecovery recovery, RecoverBlobs(p.blob_parts));
  LogRecovery(log, recovery);
  JobStoreOptions jobs = options.jobs;
  jobs.quota = options.quota;
  ASSIGN_OR_RETURN(p.jobs, SqlJobStore::Open(*p.database, clock, p.time, feed, std::move(jobs)));
  if (options.wrap_jobs) p.jobs = options.wrap_jobs(std::move(p.jobs));
  return std::unique_ptr<Storage>(new Storage(std::move(parts)));
}

Storage::~Storage() { Close(); }

JobStore& Storage::jobs() { return *parts_->jobs; }
Catalog& Storage::catalog() { return parts_->catalog; }
TenantStore& Storage::tenants() { return parts_->tenants; }
BlobStore& Storage::blobs() { return parts_->blobs; }
TenantEraser& Storage::tenant_eraser() { return parts_->eraser; }
PictureStore& Storage::pictures() { return parts_->pictures; }
JobChanges& Storage::job_changes() { return parts_->job_changes; }
WorkerStore& Storage::workers() { return parts_->workers; }
const Leadership& Storage::leadership() const { return parts_->always; }

absl::Status Storage::Health() const { return parts_->database->Health(); }
absl::Status Storage::Ready() const { return parts_->readiness.Now(); }

void Storage::StartMaintenance() {
  Parts& p = *parts_;
  p.maintenance = std::make_unique<BlobMaintenance>(
      p.blob_parts, p.log,
      BlobMaintenanceOptions{.garbage_age = p.options.garbage_age,
                             .quota = p.options.quota,
                             .scrub_interval = p.options.scrub_interval,
                             .leadership = &leadership()});
  p.maintenance->Start();
  p.readiness.Start();
}

void Storage::Close() {
  parts_->maintenance.reset();
  parts_->readiness.Stop();
  // If this fails, the next start applies the log.
  parts_->database->TruncateLog().IgnoreError();
}

}  // namespace vico::server
