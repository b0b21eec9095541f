#include "server/storage/storage.h"

#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/status.h"
#include "server/blobs/blob_maintenance.h"
#include "server/blobs/blob_recovery.h"
#include "server/blobs/objects_of_database.h"
#include "server/blobs/tracked_blob_store.h"
#include "server/disk/data_folder.h"
#include "server/fronts/direct_session.h"
#include "server/fronts/postgres_relay.h"
#include "server/jobs/store_clock.h"
#include "server/objects/local_objects.h"
#include "server/objects/object_probe.h"
#include "server/postgres/postgres_database.h"
#include "server/s3/s3_objects.h"
#include "server/sql/sqlite_database.h"
#include "server/storage/readiness.h"
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

// A database that restarts while a server starts.
constexpr absl::Duration kPatienceAtStart = absl::Seconds(30);
constexpr absl::Duration kBetweenAttempts = absl::Milliseconds(500);

/// The database of several servers, or null.
absl::StatusOr<std::unique_ptr<PostgresDatabase>> OpenPostgres(
    const std::optional<PostgresOptions>& options, const Clock& clock, const Log& log) {
  if (!options) return nullptr;
  const absl::Duration until = clock.Uptime() + kPatienceAtStart;
  for (bool first = true;; first = false) {
    // `vico-server migrate` brings the schema to this version.
    auto opened = PostgresDatabase::Open(*options, PostgresDatabase::Schema::kCheck);
    if (!absl::IsUnavailable(opened.status()) || clock.Uptime() > until) return opened;
    if (first) log.Warning("waits for the database", {{"error", opened.status().ToString()}});
    absl::SleepFor(kBetweenAttempts);
  }
}

StoreClock ClockOf(const Clock& clock, const Database& database) {
  if (!database.UptimeZero()) return StoreClock(clock);
  return StoreClock(clock, [&database] { return *database.UptimeZero(); });
}

absl::StatusOr<std::unique_ptr<ObjectStore>> OpenObjects(const StorageOptions& options,
                                                         const DataFolder& folder,
                                                         const Clock& clock, Files& files) {
  if (!options.s3) {
    ASSIGN_OR_RETURN(auto local, LocalObjects::Open(folder.BlobPath(), files));
    return local;
  }
  const std::string scratch = folder.ScratchPath();
  RETURN_IF_ERROR(files.MakeFolder(scratch));
  auto objects = std::make_unique<S3Objects>(*options.s3, scratch, clock);
  RETURN_IF_ERROR(objects->Probe());
  return objects;
}

}  // namespace

// Members are destroyed in reverse order: users before what they use.
struct Storage::Parts {
  Parts(const StorageOptions& options_in, const Clock& clock, Files& files, const Log& log_in,
        std::unique_ptr<DataFolder> folder_in, std::unique_ptr<Database> database_in,
        std::unique_ptr<ObjectStore> objects_in)
      : options(options_in),
        log(log_in),
        folder(std::move(folder_in)),
        database(std::move(database_in)),
        time(ClockOf(clock, *database)),
        objects(std::move(objects_in)),
        blob_parts{*objects, *database, time, options.deleted_objects_grace},
        blobs(blob_parts, options.quota),
        catalog(*database, time, options.quota, options.jobs.retention.uploaded_pictures),
        tenants(*database, clock),
        eraser(*database, blobs, tenants, clock),
        pictures(*database),
        job_changes(*database, time),
        workers(*database, time),
        readiness(*database, files, options.data + "/.readiness", clock, log),
        object_probe(*objects, log) {}

  const StorageOptions options;
  const Log log;
  const std::unique_ptr<DataFolder> folder;
  const std::unique_ptr<Database> database;
  const StoreClock time;
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
  // Of several servers on one database.
  std::optional<PostgresRelay> relay;
  std::optional<DirectSession> session;
  std::unique_ptr<JobStore> jobs;
  Readiness readiness;
  ObjectProbe object_probe;
  std::unique_ptr<BlobMaintenance> maintenance;
};

Storage::Storage(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

absl::StatusOr<std::unique_ptr<Storage>> Storage::Open(const StorageOptions& options,
                                                       const Clock& clock, Files& files,
                                                       EventFeed& feed, const Log& log) {
  ASSIGN_OR_RETURN(auto folder, DataFolder::Open(options.data));
  ASSIGN_OR_RETURN(std::unique_ptr<PostgresDatabase> postgres,
                   OpenPostgres(options.postgres, clock, log));
  PostgresDatabase* const shared = postgres.get();
  std::unique_ptr<Database> database = std::move(postgres);
  if (shared == nullptr) {
    ASSIGN_OR_RETURN(database, SqliteDatabase::Open(folder->DatabasePath()));
  }
  ASSIGN_OR_RETURN(auto objects, OpenObjects(options, *folder, clock, files));
  std::string location;
  if (options.s3) {
    location = S3AddressOf(*options.s3);
  } else if (shared != nullptr) {
    ASSIGN_OR_RETURN(location, LocationOfFolder(folder->BlobPath(), files));
  }
  RETURN_IF_ERROR(BindObjects(*database, *objects, location));
  auto parts = std::make_unique<Parts>(options, clock, files, log, std::move(folder),
                                       std::move(database), std::move(objects));
  Parts& p = *parts;
  if (shared != nullptr) {
    p.relay.emplace(*shared, feed);
    p.session.emplace(*shared, *p.relay, clock, log);
  }
  if (!p.objects->remote()) {
    ASSIGN_OR_RETURN(const BlobRecovery recovery, RecoverBlobs(p.blob_parts));
    LogRecovery(log, recovery);
  }
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
const Leadership& Storage::leadership() const {
  if (parts_->session) return *parts_->session;
  return parts_->always;
}

absl::Status Storage::Health() const { return parts_->database->Health(); }
absl::Status Storage::Ready() const {
  RETURN_IF_ERROR(parts_->readiness.Now());
  return parts_->object_probe.Now();
}

void Storage::StartMaintenance() {
  Parts& p = *parts_;
  if (p.session) p.session->Stand();
  p.maintenance = std::make_unique<BlobMaintenance>(
      p.blob_parts, p.log,
      BlobMaintenanceOptions{.garbage_age = p.options.garbage_age,
                             .quota = p.options.quota,
                             .scrub_interval = p.options.scrub_interval,
                             .leadership = &leadership()});
  p.maintenance->Start();
  p.readiness.Start();
  p.object_probe.Start();
}

void Storage::Close() {
  parts_->maintenance.reset();
  parts_->readiness.Stop();
  parts_->object_probe.Stop();
  // If this fails, the next start applies the log.
  parts_->database->TruncateLog().IgnoreError();
}

}  // namespace vico::server
