#include "server/blobs/blob_recovery.h"

#include <limits>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "common/status.h"
#include "server/blobs/blob_rows.h"
#include "server/blobs/dead_objects.h"
#include "server/objects/object_key.h"

namespace vico::server {
namespace {

using Name = std::pair<std::string, std::string>;  // tenant, digest

absl::StatusOr<std::map<Name, BlobRow>> AllRows(SqlSession& db) {
  std::map<Name, BlobRow> rows;
  RETURN_IF_ERROR(db.Query(
      "SELECT tenant, sha256, size_bytes, time, object_key FROM blob", {}, [&](const SqlRow& row) {
        rows[{row.Text(0), row.Text(1)}] = {row.Text(0), row.Text(1),
                                            static_cast<uint64_t>(row.Int(2)),
                                            absl::FromUnixMicros(row.Int(3)), row.Text(4)};
        return absl::OkStatus();
      }));
  return rows;
}

absl::StatusOr<std::set<std::string>> Texts(SqlSession& db, std::string_view sql) {
  std::set<std::string> texts;
  RETURN_IF_ERROR(db.Query(sql, {}, [&](const SqlRow& row) {
    texts.insert(row.Text(0));
    return absl::OkStatus();
  }));
  return texts;
}

/// The files of the folder by key, without those of deleted tenants.
struct Found {
  std::map<std::string, uint64_t> sizes;
  std::set<std::string> leftover;  ///< deleted tenants with files
};

absl::StatusOr<Found> ListFiles(const BlobParts& parts) {
  std::set<std::string> deleted;
  RETURN_IF_ERROR(parts.database.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(deleted, Texts(db, "SELECT name FROM tenant WHERE state <> 'active'"));
    return absl::OkStatus();
  }));
  Found found;
  RETURN_IF_ERROR(parts.objects.List([&](const ObjectInfo& object) -> absl::Status {
    ASSIGN_OR_RETURN(const ObjectKey key, ParseObjectKey(object.key));
    if (deleted.contains(key.tenant)) {
      found.leftover.insert(key.tenant);
    } else {
      found.sizes[object.key] = object.size_bytes;
    }
    return absl::OkStatus();
  }));
  return found;
}

/// One transaction of the recovery.
class Recovering {
 public:
  Recovering(SqlSession& db, const BlobParts& parts, BlobRecovery& result)
      : db_(db), parts_(parts), result_(result) {}

  absl::Status Run(const std::map<std::string, uint64_t>& sizes) {
    ASSIGN_OR_RETURN(rows_, AllRows(db_));
    ASSIGN_OR_RETURN(const auto dead, Texts(db_, "SELECT object_key FROM dead_object"));
    ASSIGN_OR_RETURN(const auto deleted,
                     Texts(db_, "SELECT name FROM tenant WHERE state <> 'active'"));
    if (rows_.empty()) RETURN_IF_ERROR(ReferenceBlobsOfOlderRows(db_));
    for (const auto& [key, size] : sizes) {
      if (!dead.contains(key)) RETURN_IF_ERROR(Place(key, size, sizes));
    }
    for (const auto& [name, row] : rows_) {
      if (deleted.contains(name.first)) continue;  // the tenant's eraser deletes its rows
      const auto file = sizes.find(row.object_key);
      if (file == sizes.end() || file->second != row.size_bytes) RETURN_IF_ERROR(Forget(row));
    }
    return absl::OkStatus();
  }

  /// Objects of another size than their rows.
  std::vector<std::string> TakeDamaged() { return std::move(damaged_); }

 private:
  /// A file that is not dead belongs to a row, or gets one, or is left from an upload.
  absl::Status Place(const std::string& key, uint64_t size,
                     const std::map<std::string, uint64_t>& sizes) {
    ASSIGN_OR_RETURN(const ObjectKey name, ParseObjectKey(key));
    BlobRow& row = rows_[{name.tenant, name.sha256}];
    if (row.object_key == key) return absl::OkStatus();
    if (sizes.contains(row.object_key)) return BuryObject(db_, key, absl::UnixEpoch());
    v1::BlobRef blob;
    blob.set_sha256(name.sha256);
    blob.set_size_bytes(size);
    RETURN_IF_ERROR(SaveBlobRow(db_, parts_.time.Now(), name.tenant, blob, key));
    row = {name.tenant, name.sha256, size, parts_.time.Now(), key};
    ++result_.adopted;
    return absl::OkStatus();
  }

  absl::Status Forget(const BlobRow& row) {
    ++result_.forgotten;
    damaged_.push_back(row.object_key);
    return db_.Execute("DELETE FROM blob WHERE tenant = ? AND sha256 = ?", {row.tenant, row.sha256})
        .status();
  }

  SqlSession& db_;
  const BlobParts& parts_;
  BlobRecovery& result_;
  std::map<Name, BlobRow> rows_;
  std::vector<std::string> damaged_;
};

}  // namespace

absl::StatusOr<std::vector<LostBlob>> ReferencedLostBlobs(Database& database) {
  std::vector<LostBlob> all;
  RETURN_IF_ERROR(database.Read([&](SqlSession& db) -> absl::Status {
    all.clear();
    ASSIGN_OR_RETURN(const std::vector<BlobRow> lost, LostBlobs(db));
    for (const BlobRow& blob : lost) {
      ASSIGN_OR_RETURN(std::vector<std::string> users, UsersOfBlob(db, blob.tenant, blob.sha256));
      all.push_back({blob.tenant, blob.sha256, std::move(users)});
    }
    return absl::OkStatus();
  }));
  return all;
}

absl::StatusOr<BlobRecovery> RecoverBlobs(const BlobParts& parts) {
  BlobRecovery result;
  ASSIGN_OR_RETURN(const Found found, ListFiles(parts));
  for (const std::string& tenant : found.leftover) {
    RETURN_IF_ERROR(parts.objects.RemoveTenant(tenant));
  }
  std::vector<std::string> damaged;
  RETURN_IF_ERROR(parts.database.Write([&](SqlSession& db) -> absl::Status {
    result = {};
    Recovering recovering(db, parts, result);
    RETURN_IF_ERROR(recovering.Run(found.sizes));
    damaged = recovering.TakeDamaged();
    return absl::OkStatus();
  }));
  result.erased = static_cast<int>(found.leftover.size());
  for (const std::string& key : damaged) RETURN_IF_ERROR(parts.objects.Quarantine(key));
  ASSIGN_OR_RETURN(result.deleted, RemoveDueObjects(parts, std::numeric_limits<int>::max()));
  ASSIGN_OR_RETURN(result.lost, ReferencedLostBlobs(parts.database));
  return result;
}

}  // namespace vico::server
