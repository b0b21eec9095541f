#include "server/blobs/dead_objects.h"

#include "common/failpoint.h"
#include "common/status.h"
#include "server/blobs/blob_rows.h"

namespace vico::server {
namespace {

/// Those of `keys` that are due. From now on nothing may name them.
absl::StatusOr<std::vector<std::string>> ClaimDue(const BlobParts& parts,
                                                  const std::vector<std::string>& keys) {
  std::vector<std::string> claimed;
  RETURN_IF_ERROR(parts.database.Write([&](SqlSession& db) -> absl::Status {
    claimed.clear();
    const int64_t now = absl::ToUnixMicros(parts.time.Now());
    for (const std::string& key : keys) {
      ASSIGN_OR_RETURN(const int changed, db.Execute("UPDATE dead_object SET claimed = 1 WHERE "
                                                     "object_key = ? AND remove_after <= ?",
                                                     {key, now}));
      if (changed == 1) claimed.push_back(key);
    }
    return absl::OkStatus();
  }));
  return claimed;
}

absl::StatusOr<int> RemoveThese(const BlobParts& parts, const std::vector<std::string>& keys) {
  ASSIGN_OR_RETURN(const std::vector<std::string> claimed, ClaimDue(parts, keys));
  std::vector<std::string> removed;
  absl::Status status;
  for (const std::string& key : claimed) {
    status = VICO_FAILPOINT_STATUS("gc.before_unlink");
    if (status.ok()) status = parts.objects.Remove(key);
    // No object can have such a key. One bad row must not keep the others from being removed.
    if (absl::IsInvalidArgument(status)) status = absl::OkStatus();
    if (!status.ok()) break;
    removed.push_back(key);
  }
  if (!removed.empty()) {
    RETURN_IF_ERROR(parts.database.Write([&](SqlSession& db) -> absl::Status {
      for (const std::string& key : removed) {
        RETURN_IF_ERROR(db.Send("DELETE FROM dead_object WHERE object_key = ?", {key}));
      }
      return absl::OkStatus();
    }));
  }
  RETURN_IF_ERROR(status);
  return static_cast<int>(removed.size());
}

}  // namespace

absl::StatusOr<int> RemoveDueObjects(const BlobParts& parts, int limit) {
  std::vector<std::string> due;
  RETURN_IF_ERROR(parts.database.Read([&](SqlSession& db) {
    due.clear();
    return db.Query(
        "SELECT object_key FROM dead_object WHERE remove_after <= ? ORDER BY remove_after LIMIT ?",
        {absl::ToUnixMicros(parts.time.Now()), int64_t{limit}}, [&](const SqlRow& row) {
          due.push_back(row.Text(0));
          return absl::OkStatus();
        });
  }));
  if (due.empty()) return 0;
  return RemoveThese(parts, due);
}

absl::Status RemoveDueObject(const BlobParts& parts, const std::string& object_key) {
  return RemoveThese(parts, {object_key}).status();
}

absl::Status AnnounceObject(const BlobParts& parts, const std::string& object_key) {
  return parts.database.Write([&](SqlSession& db) {
    return BuryObject(db, object_key, parts.time.Now() + kLongestUpload);
  });
}

absl::Status ClaimAnnounced(SqlSession& db, const std::string& object_key) {
  ASSIGN_OR_RETURN(
      const int deleted,
      db.Execute("DELETE FROM dead_object WHERE object_key = ? AND claimed = 0", {object_key}));
  if (deleted == 1) return absl::OkStatus();
  return WithRetryAfter(absl::UnavailableError("blob: the upload took too long; upload it again"),
                        absl::Seconds(1));
}

}  // namespace vico::server
