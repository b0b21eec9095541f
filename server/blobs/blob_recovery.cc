#include "server/blobs/blob_recovery.h"

#include <map>
#include <set>
#include <string>
#include <utility>

#include "common/status.h"
#include "server/blobs/blob_rows.h"
#include "server/blobs/tracked_blob_store.h"

namespace vico::server {
namespace {

using Key = std::pair<std::string, std::string>;  // tenant, digest

struct Row {
  uint64_t size_bytes = 0;
  bool live = false;
};

absl::StatusOr<std::map<Key, Row>> AllRows(SqlSession& db) {
  std::map<Key, Row> rows;
  RETURN_IF_ERROR(
      db.Query("SELECT tenant, sha256, size_bytes, state FROM blob", {}, [&](const SqlRow& row) {
        rows[{row.Text(0), row.Text(1)}] = {static_cast<uint64_t>(row.Int(2)),
                                            row.Text(3) == "live"};
        return absl::OkStatus();
      }));
  return rows;
}

absl::Status Forget(SqlSession& db, const Key& key) {
  return db.Execute("DELETE FROM blob WHERE tenant = ? AND sha256 = ?", {key.first, key.second})
      .status();
}

/// Tenants whose deletion has begun.
absl::StatusOr<std::set<std::string>> DeletedTenants(SqlSession& db) {
  std::set<std::string> names;
  RETURN_IF_ERROR(
      db.Query("SELECT name FROM tenant WHERE state <> 'active'", {}, [&](const SqlRow& row) {
        names.insert(row.Text(0));
        return absl::OkStatus();
      }));
  return names;
}

}  // namespace

absl::StatusOr<BlobRecovery> RecoverBlobs(Database& database, BlobFiles& files,
                                          const StoreClock& time) {
  BlobRecovery result;
  ASSIGN_OR_RETURN(const std::vector<BlobFiles::File> all, files.List());
  std::set<std::string> deleted;
  RETURN_IF_ERROR(database.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(deleted, DeletedTenants(db));
    return absl::OkStatus();
  }));
  std::map<Key, uint64_t> on_disk;
  std::set<std::string> leftover;  // deleted tenants with files
  for (const BlobFiles::File& file : all) {
    if (deleted.contains(file.tenant)) {
      leftover.insert(file.tenant);
    } else {
      on_disk[{file.tenant, file.sha256}] = file.size_bytes;
    }
  }
  for (const std::string& tenant : leftover) {
    RETURN_IF_ERROR(files.RemoveTenant(tenant));
    ++result.erased;
  }

  std::vector<Key> deleting;
  RETURN_IF_ERROR(database.Write([&](SqlSession& db) -> absl::Status {
    result = {};
    result.erased = static_cast<int>(leftover.size());
    deleting.clear();
    ASSIGN_OR_RETURN(const auto rows, AllRows(db));
    if (rows.empty()) RETURN_IF_ERROR(ReferenceBlobsOfOlderRows(db));
    for (const auto& [key, size] : on_disk) {
      if (rows.contains(key)) continue;
      v1::BlobRef blob;
      blob.set_sha256(key.second);
      blob.set_size_bytes(size);
      RETURN_IF_ERROR(SaveBlobRow(db, time.Now(), key.first, blob));
      ++result.adopted;
    }
    for (const auto& [key, row] : rows) {
      if (deleted.contains(key.first)) continue;  // the tenant's eraser deletes its rows
      const auto file = on_disk.find(key);
      if (!row.live) {
        deleting.push_back(key);
      } else if (file == on_disk.end() || file->second != row.size_bytes) {
        if (file != on_disk.end()) RETURN_IF_ERROR(files.Quarantine(key.first, key.second));
        RETURN_IF_ERROR(Forget(db, key));
        ++result.forgotten;
      }
    }
    return absl::OkStatus();
  }));
  for (const auto& [tenant, sha256] : deleting) {
    RETURN_IF_ERROR(FinishDeletion(database, files, tenant, sha256));
    ++result.deleted;
  }
  RETURN_IF_ERROR(database.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(const std::vector<BlobRow> lost, LostBlobs(db));
    for (const BlobRow& blob : lost) {
      ASSIGN_OR_RETURN(std::vector<std::string> users, UsersOfBlob(db, blob.tenant, blob.sha256));
      result.lost.push_back({blob.tenant, blob.sha256, std::move(users)});
    }
    return absl::OkStatus();
  }));
  return result;
}

}  // namespace vico::server
