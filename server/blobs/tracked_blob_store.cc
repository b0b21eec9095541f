#include "server/blobs/tracked_blob_store.h"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "common/crypto/sha256.h"
#include "common/failpoint.h"
#include "common/status.h"
#include "server/blobs/byte_quota.h"
#include "server/blobs/damaged_blob.h"
#include "server/blobs/dead_objects.h"
#include "server/objects/object_key.h"

namespace vico::server {
namespace {

/// kAborted, reason TENANT_DELETED, for a tenant whose deletion has begun.
absl::Status CheckTenantActive(SqlSession& db, std::string_view tenant) {
  ASSIGN_OR_RETURN(
      const int64_t deleted,
      db.QueryInt("SELECT count(*) FROM tenant WHERE name = ? AND state <> 'active'", {tenant}, 0));
  if (deleted == 0) return absl::OkStatus();
  return Error(absl::StatusCode::kAborted, "blob: the tenant is deleted", "TENANT_DELETED");
}

class TrackedWriter final : public BlobWriter {
 public:
  TrackedWriter(std::unique_ptr<ObjectWriter> writer, std::string tenant, const BlobParts& parts,
                const TenantQuota& quota)
      : writer_(std::move(writer)), tenant_(std::move(tenant)), parts_(parts), quota_(quota) {}

  absl::Status Append(std::string_view bytes) override {
    if (writer_ == nullptr) return Ended();
    if (absl::Status status = writer_->Append(bytes); !status.ok()) {
      writer_ = nullptr;
      return status;
    }
    hash_.Update(bytes);
    size_bytes_ += bytes.size();
    return absl::OkStatus();
  }

  absl::StatusOr<MappedBytes> Map() override {
    if (writer_ == nullptr) return Ended();
    return writer_->Map();
  }

  absl::StatusOr<v1::BlobRef> Commit(std::string_view expected_sha256,
                                     std::string_view media_type) override {
    if (writer_ == nullptr) return Ended();
    // The bytes go at the end, whatever comes.
    const std::unique_ptr<ObjectWriter> writer = std::move(writer_);
    v1::BlobRef blob;
    blob.set_sha256(hash_.HexDigest());
    blob.set_size_bytes(size_bytes_);
    blob.set_media_type(std::string(media_type));
    if (!expected_sha256.empty() && expected_sha256 != blob.sha256()) {
      return Error(absl::StatusCode::kDataLoss,
                   fmt::format("blob: the {} bytes have digest {}, not {}", size_bytes_,
                               blob.sha256(), expected_sha256),
                   "DIGEST_MISMATCH");
    }
    if (parts_.objects.remote()) {
      ASSIGN_OR_RETURN(const bool known, Renew(blob));
      if (known) return blob;
    }
    RETURN_IF_ERROR(Store(*writer, blob));
    return blob;
  }

 private:
  static absl::Status Ended() {
    return absl::FailedPreconditionError("blob: the upload has ended");
  }

  /// Restarts the age of a blob that is live. False when there is none.
  absl::StatusOr<bool> Renew(const v1::BlobRef& blob) {
    int renewed = 0;
    RETURN_IF_ERROR(parts_.database.Write([&](SqlSession& db) -> absl::Status {
      RETURN_IF_ERROR(CheckTenantActive(db, tenant_));
      ASSIGN_OR_RETURN(renewed,
                       db.Execute("UPDATE blob SET time = ? WHERE tenant = ? AND sha256 = ? "
                                  "AND size_bytes = ? AND state = 'live'",
                                  {absl::ToUnixMicros(parts_.time.Now()), tenant_, blob.sha256(),
                                   static_cast<int64_t>(blob.size_bytes())}));
      return absl::OkStatus();
    }));
    return renewed == 1;
  }

  /// Stores the object, then the row. An upload that ends in between leaves an object that is
  /// announced as dead, or that the next start of the server finds.
  absl::Status Store(ObjectWriter& writer, const v1::BlobRef& blob) {
    const std::string key = NewObjectKey(tenant_, blob.sha256());
    const bool announced = parts_.objects.remote();
    if (announced) {
      // Before the transfer, which a tenant without room is spared.
      RETURN_IF_ERROR(parts_.database.Read([&](SqlSession& db) { return CheckRoom(db, blob); }));
      RETURN_IF_ERROR(AnnounceObject(parts_, key));
    }
    RETURN_IF_ERROR(writer.Put(key, blob.sha256()));
    VICO_FAILPOINT("blob.before_row");
    std::string replaced;
    absl::Status saved = parts_.database.Write([&](SqlSession& db) -> absl::Status {
      if (quota_.bytes > 0) RETURN_IF_ERROR(db.Lock(TenantScope(tenant_)));
      if (announced) RETURN_IF_ERROR(ClaimAnnounced(db, key));
      RETURN_IF_ERROR(CheckRoom(db, blob));
      const auto before = FindLiveBlob(db, tenant_, blob.sha256());
      replaced = before.ok() ? before->object_key : "";
      return SaveBlobRow(db, parts_.time.Now(), tenant_, blob, key, parts_.grace);
    });
    if (!saved.ok()) {
      // After kUnavailable the row may have been committed. What is left over is removed by its
      // announcement, or by the next start of the server.
      if (!absl::IsUnavailable(saved)) parts_.objects.Remove(key).IgnoreError();
      return saved;
    }
    if (!replaced.empty()) RemoveDueObject(parts_, replaced).IgnoreError();
    return absl::OkStatus();
  }

  /// Bytes that the tenant has already cost nothing.
  absl::Status CheckRoom(SqlSession& db, const v1::BlobRef& blob) {
    RETURN_IF_ERROR(CheckTenantActive(db, tenant_));
    ASSIGN_OR_RETURN(const int64_t known,
                     db.QueryInt("SELECT count(*) FROM blob WHERE tenant = ? AND sha256 = ?",
                                 {tenant_, blob.sha256()}, 0));
    return known > 0 ? absl::OkStatus() : CheckByteQuota(db, quota_, tenant_, blob.size_bytes());
  }

  std::unique_ptr<ObjectWriter> writer_;
  const std::string tenant_;
  const BlobParts parts_;
  const TenantQuota quota_;
  Sha256 hash_;
  uint64_t size_bytes_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<BlobWriter>> TrackedBlobStore::Create(std::string_view tenant) {
  VICO_FAILPOINT("blob.before_create");
  RETURN_IF_ERROR(CheckTenantOfBlob(tenant));
  // Commit decides; this spares a tenant without room the upload.
  RETURN_IF_ERROR(parts_.database.Read([&](SqlSession& db) -> absl::Status {
    RETURN_IF_ERROR(CheckTenantActive(db, tenant));
    return CheckByteQuota(db, quota_, tenant, 0);
  }));
  ASSIGN_OR_RETURN(auto writer, parts_.objects.Create(tenant));
  return std::make_unique<TrackedWriter>(std::move(writer), std::string(tenant), parts_, quota_);
}

absl::StatusOr<BlobRow> TrackedBlobStore::FindStored(std::string_view tenant,
                                                     std::string_view sha256) {
  RETURN_IF_ERROR(CheckBlobName(tenant, sha256));
  BlobRow row;
  RETURN_IF_ERROR(parts_.database.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(row, FindLiveBlob(db, tenant, sha256));
    return absl::OkStatus();
  }));
  return row;
}

absl::StatusOr<std::unique_ptr<BlobReader>> TrackedBlobStore::Open(std::string_view tenant,
                                                                   std::string_view sha256) {
  ASSIGN_OR_RETURN(BlobRow row, FindStored(tenant, sha256));
  auto reader = parts_.objects.Open(row.object_key, row.size_bytes);
  if (absl::IsNotFound(reader.status())) {
    // An upload of the same bytes may have replaced the object in between.
    ASSIGN_OR_RETURN(row, FindStored(tenant, sha256));
    reader = parts_.objects.Open(row.object_key, row.size_bytes);
  }
  if (!reader.ok()) return reader.status();
  return VerifiedReader(*std::move(reader), parts_, std::move(row));
}

absl::StatusOr<uint64_t> TrackedBlobStore::Size(std::string_view tenant, std::string_view sha256) {
  ASSIGN_OR_RETURN(BlobRow row, FindStored(tenant, sha256));
  if (absl::IsNotFound(parts_.objects.Look(row.object_key))) {
    ASSIGN_OR_RETURN(row, FindStored(tenant, sha256));
    RETURN_IF_ERROR(parts_.objects.Look(row.object_key));
  }
  return row.size_bytes;
}

absl::Status TrackedBlobStore::Remove(std::string_view tenant, std::string_view sha256) {
  RETURN_IF_ERROR(CheckBlobName(tenant, sha256));
  std::string key;
  RETURN_IF_ERROR(parts_.database.Write([&](SqlSession& db) -> absl::Status {
    key.clear();
    RETURN_IF_ERROR(
        db.Query("SELECT object_key FROM blob WHERE tenant = ? AND sha256 = ? FOR NO KEY UPDATE",
                 {tenant, sha256}, [&](const SqlRow& row) {
                   key = row.Text(0);
                   return absl::OkStatus();
                 }));
    if (key.empty()) return absl::OkStatus();
    RETURN_IF_ERROR(BuryObject(db, key, parts_.time.Now() + parts_.grace));
    return db.Send("DELETE FROM blob WHERE tenant = ? AND sha256 = ?", {tenant, sha256});
  }));
  return key.empty() ? absl::OkStatus() : RemoveDueObject(parts_, key);
}

absl::Status TrackedBlobStore::RemoveTenant(std::string_view tenant) {
  RETURN_IF_ERROR(parts_.objects.RemoveTenant(tenant));
  return parts_.database.Write([&](SqlSession& db) -> absl::Status {
    RETURN_IF_ERROR(db.Send("DELETE FROM blob_use WHERE tenant = ?", {tenant}));
    RETURN_IF_ERROR(db.Send("DELETE FROM blob WHERE tenant = ?", {tenant}));
    if (parts_.objects.remote()) {
      // The transfer of an upload may still end; then its object is removed by its row.
      const int64_t last = absl::ToUnixMicros(parts_.time.Now() + kLongestUpload);
      RETURN_IF_ERROR(
          db.Send("UPDATE dead_object SET remove_after = ?1 WHERE tenant = ?2 "
                  "AND remove_after > ?1",
                  {last, tenant}));
    } else {
      RETURN_IF_ERROR(db.Send("DELETE FROM dead_object WHERE tenant = ?", {tenant}));
    }
    return db.Send("DELETE FROM blob_total WHERE tenant = ?", {tenant});
  });
}

}  // namespace vico::server
