#include "server/copy/copy.h"

#include <fmt/format.h>

#include "common/status.h"
#include "server/blobs/objects_of_database.h"

namespace vico::server {
namespace {

constexpr int kTransfers = 8;

/// Marks the target as being filled from this source.
absl::Status Begin(Database& to, const std::string& source) {
  return to.Write([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(const std::string copying, SecretText(db, kCopyingName));
    if (copying == source) return absl::OkStatus();
    int64_t rows = 0;
    for (const char* table : {"tenant", "job", "concept", "adapter", "base_model", "blob"}) {
      ASSIGN_OR_RETURN(const int64_t some,
                       db.QueryInt(fmt::format("SELECT count(*) FROM {}", table), {}, 0));
      rows += some;
    }
    if (!copying.empty() || rows > 0) {
      return Error(absl::StatusCode::kFailedPrecondition,
                   "copy: the target has rows already, and not of an interrupted copy of this "
                   "installation; use a new database",
                   "TARGET_NOT_EMPTY");
    }
    return SaveSecret(db, kCopyingName, source);
  });
}

absl::Status End(Database& to) {
  return to.Write([](SqlSession& db) { return DeleteSecret(db, kCopyingName); });
}

}  // namespace

absl::StatusOr<CopySummary> CopyInstallation(
    const Installation& from, const Installation& to,
    const std::function<void(const BlobsCopied&)>& progress) {
  ASSIGN_OR_RETURN(const std::string location, LocationOfBlobs(from.blobs.database));
  if (location != from.location) return BlobsElsewhere(location);
  ASSIGN_OR_RETURN(const std::string source, InstallationOf(from.blobs.database));
  RETURN_IF_ERROR(Begin(to.blobs.database, source));
  const CopyEnd from_rows{from.blobs.database, from.engine};
  const CopyEnd to_rows{to.blobs.database, to.engine};
  CopySummary summary;
  ASSIGN_OR_RETURN(summary.rows, CopyRows(from_rows, to_rows));
  // The target has the source's id now, which the bucket is marked with before its first object.
  RETURN_IF_ERROR(RebindObjects(to.blobs.database, to.blobs.objects, to.location));
  ASSIGN_OR_RETURN(summary.blobs, CopyBlobs(from.blobs, to.blobs, kTransfers, progress));
  RETURN_IF_ERROR(FinishRows(from_rows, to_rows));
  RETURN_IF_ERROR(End(to.blobs.database));
  return summary;
}

}  // namespace vico::server
