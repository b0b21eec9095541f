// The blob store that services see: files with a row each in the database. A blob is there when its
// row says `live`; the file comes before the row and goes after it.
#pragma once

#include <memory>
#include <string>

#include "server/blobs/blob_store.h"
#include "server/blobs/blob_store_local.h"
#include "server/sql/database.h"
#include "server/jobs/steady_time.h"

namespace vico::server {

class TrackedBlobStore final : public BlobStore {
 public:
  /// The references must outlive it and its writers.
  TrackedBlobStore(LocalBlobStore& files, Database& database, const SteadyTime& time)
      : files_(files), database_(database), time_(time) {}

  /// Commit may answer kUnavailable, too: the same bytes were just being deleted; send them again.
  absl::StatusOr<std::unique_ptr<BlobWriter>> Create(std::string_view tenant) override;
  absl::StatusOr<std::unique_ptr<BlobReader>> Open(std::string_view tenant,
                                                   std::string_view sha256) override;
  absl::StatusOr<uint64_t> Size(std::string_view tenant, std::string_view sha256) override;

  /// The row becomes `deleting`, then the file goes, then the row.
  absl::Status Remove(std::string_view tenant, std::string_view sha256) override;

  /// Files, rows and names. In between, or after a crash, the rows have no files, which a server
  /// that starts puts right.
  absl::Status RemoveTenant(std::string_view tenant) override;

 private:
  absl::Status CheckLive(std::string_view tenant, std::string_view sha256);

  LocalBlobStore& files_;
  Database& database_;
  const SteadyTime& time_;
};

/// Deletes the file and the row of a blob whose `deleting` is durable. Does nothing when its row is
/// live again: the same bytes were put meanwhile.
absl::Status FinishDeletion(Database& database, LocalBlobStore& files, std::string_view tenant,
                            std::string_view sha256);

}  // namespace vico::server
