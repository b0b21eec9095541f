// The blob store of the services: files, each with a row in the database. A blob is stored when its
// row is `live`; the file is created before the row and removed after the row is `deleting`.
#pragma once

#include <memory>
#include <string>

#include "server/blobs/blob_files.h"
#include "server/blobs/blob_store.h"
#include "server/jobs/store_clock.h"
#include "server/jobs/tenant_quota.h"
#include "server/sql/database.h"

namespace vico::server {

class TrackedBlobStore final : public BlobStore {
 public:
  /// The references must outlive it and its writers.
  TrackedBlobStore(BlobFiles& files, Database& database, const StoreClock& time,
                   const TenantQuota& quota = {})
      : files_(files), database_(database), time_(time), quota_(quota) {}

  /// Commit may also return kUnavailable: the same bytes were being deleted; upload them again.
  absl::StatusOr<std::unique_ptr<BlobWriter>> Create(std::string_view tenant) override;

  /// The reader returns kDataLoss, reason BLOB_DAMAGED, in place of the last bytes of a damaged
  /// blob; see damaged_blob.h.
  absl::StatusOr<std::unique_ptr<BlobReader>> Open(std::string_view tenant,
                                                   std::string_view sha256) override;
  absl::StatusOr<uint64_t> Size(std::string_view tenant, std::string_view sha256) override;

  /// Marks the row as `deleting`, removes the file, then the row.
  absl::Status Remove(std::string_view tenant, std::string_view sha256) override;

  /// Removes files, rows and references. After a crash in between, rows have no files; recovery at
  /// the next start removes them.
  absl::Status RemoveTenant(std::string_view tenant) override;

 private:
  absl::Status CheckLive(std::string_view tenant, std::string_view sha256);

  BlobFiles& files_;
  Database& database_;
  const StoreClock& time_;
  const TenantQuota quota_;
};

/// Deletes a file that has no row: its upload was refused after the file was in place.
absl::Status RemoveFileWithoutRow(Database& database, BlobFiles& files, std::string_view tenant,
                                  std::string_view sha256);

/// Deletes the file and the row of a blob that is durably marked as `deleting`. Does nothing when
/// the row is live again, because the same bytes were uploaded meanwhile.
absl::Status FinishDeletion(Database& database, BlobFiles& files, std::string_view tenant,
                            std::string_view sha256);

}  // namespace vico::server
