// Blobs as rows of the database: which are stored, and which resources reference them. A reference
// and a deletion each read or change the blob's row in one transaction, so a blob that is being
// deleted never gets a reference.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "server/sql/sql_session.h"
#include "vico/v1/job.pb.h"

namespace vico::server {

/// A column that references blobs by digest. A new one must be listed here, or garbage collection
/// deletes its blobs.
struct BlobReference {
  std::string_view table;
  std::string_view sha256_column;
  std::string_view user_column;  ///< the resource that references the blob
};
std::span<const BlobReference> BlobReferences();

struct BlobRow {
  std::string tenant;
  std::string sha256;
  uint64_t size_bytes = 0;
  absl::Time time{};  ///< store time of the last upload or of the last lost reference
  std::string object_key{};
};

/// Inserts the row of a durable blob, or gives it the object of this upload. `object_key` must
/// exist. An object that the row named before is dead, and is removed after `grace`.
absl::Status SaveBlobRow(SqlSession& db, absl::Time now, std::string_view tenant,
                         const v1::BlobRef& blob, const std::string& object_key,
                         absl::Duration grace = absl::ZeroDuration());

/// The row of a live blob; otherwise kNotFound.
absl::StatusOr<BlobRow> FindLiveBlob(SqlSession& db, std::string_view tenant,
                                     std::string_view sha256);

/// Adds references of `user` (a resource name) to these blobs. Locks their rows, in the order of
/// the digests, so that no collector deletes them before the commit. kFailedPrecondition, reason
/// BLOB_MISSING, for a blob that is not live with the size in the reference: the client has to
/// upload it again. A reference without a digest is skipped.
absl::Status NameBlobs(SqlSession& db, std::string_view tenant, std::string_view user,
                       const std::vector<v1::BlobRef>& blobs);

/// Removes all references of `user`. The age of their blobs counts from `now`, store time.
absl::Status UnnameBlobs(SqlSession& db, absl::Time now, std::string_view tenant,
                         std::string_view user);

/// The resources that reference the blob.
absl::StatusOr<std::vector<std::string>> UsersOfBlob(SqlSession& db, std::string_view tenant,
                                                     std::string_view sha256);

/// Records that no blob names the object, which is removed at `remove_after` or later.
absl::Status BuryObject(SqlSession& db, const std::string& object_key, absl::Time remove_after);

/// All referenced blobs that are not live.
absl::StatusOr<std::vector<BlobRow>> LostBlobs(SqlSession& db);

/// A condition that holds when nothing references the current row of table `blob`.
std::string UnreferencedBlobSql();

/// Adds the references of rows that were written before schema 4, when blobs had no rows.
absl::Status ReferenceBlobsOfOlderRows(SqlSession& db);

}  // namespace vico::server
