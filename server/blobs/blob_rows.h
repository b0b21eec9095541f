// Blobs as rows of the embedded database: which there are, and who names them. What names a blob
// and what gives it up for deletion change or look at its row in one transaction each, so one of
// the two comes first: a name is never given to a blob that is going.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "server/sql/sqlite.h"
#include "vico/v1/job.pb.h"

namespace vico::server {

/// A column that names blobs by digest. Whoever adds one adds it here, and its blobs are neither
/// collected nor forgotten.
struct BlobReference {
  std::string_view table;
  std::string_view sha256_column;
  std::string_view user_column;  ///< the resource to blame when the blob is lost
};
std::span<const BlobReference> BlobReferences();

struct BlobRow {
  std::string tenant;
  std::string sha256;
  uint64_t size_bytes = 0;
  absl::Time time{};  ///< steady time: last put, or lost a name
};

/// The blob is durable and there: its row becomes `live`.
absl::Status SaveBlobRow(SqliteConnection& db, absl::Time now, std::string_view tenant,
                         const v1::BlobRef& blob);

/// The row, if it is live; kNotFound if not.
absl::StatusOr<BlobRow> FindLiveBlob(SqliteConnection& db, std::string_view tenant,
                                     std::string_view sha256);

/// `user` (a resource name) names these blobs from now on. kFailedPrecondition, reason
/// BLOB_MISSING, for one that is not live with the size the reference says: it has to be uploaded
/// again. A reference without a digest names nothing.
absl::Status NameBlobs(SqliteConnection& db, std::string_view tenant, std::string_view user,
                       const std::vector<v1::BlobRef>& blobs);

/// `user` names nothing any more; the age of what it named counts from now.
absl::Status UnnameBlobs(SqliteConnection& db, absl::Time now, std::string_view tenant,
                         std::string_view user);

/// Who names the blob, by all references.
absl::StatusOr<std::vector<std::string>> UsersOfBlob(SqliteConnection& db, std::string_view tenant,
                                                     std::string_view sha256);

/// All blobs that something names though they are not live.
absl::StatusOr<std::vector<BlobRow>> LostBlobs(SqliteConnection& db);

/// "NOT EXISTS (...) AND ...": no reference names the row of table blob that the query is at.
std::string NothingNamesBlobSql();

/// Fills in the names of a database that was written before blobs had rows.
absl::Status NameBlobsOfOlderRows(SqliteConnection& db);

}  // namespace vico::server
