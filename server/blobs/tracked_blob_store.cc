#include "server/blobs/tracked_blob_store.h"

#include <utility>

#include "common/failpoint.h"
#include "common/status.h"
#include "server/blobs/blob_rows.h"
#include "server/blobs/byte_quota.h"
#include "server/blobs/damaged_blob.h"

namespace vico::server {
namespace {

class TrackedWriter final : public BlobWriter {
 public:
  TrackedWriter(std::unique_ptr<BlobWriter> writer, std::string tenant, BlobFiles& files,
                Database& database, const StoreClock& time, const TenantQuota& quota)
      : writer_(std::move(writer)),
        tenant_(std::move(tenant)),
        files_(files),
        database_(database),
        time_(time),
        quota_(quota) {}

  absl::Status Append(std::string_view bytes) override { return writer_->Append(bytes); }

  absl::StatusOr<MappedBytes> Map() override { return writer_->Map(); }

  absl::StatusOr<v1::BlobRef> Commit(std::string_view expected_sha256,
                                     std::string_view media_type) override {
    ASSIGN_OR_RETURN(v1::BlobRef blob, writer_->Commit(expected_sha256, media_type));
    VICO_FAILPOINT("blob.before_row");
    const absl::Status saved = database_.Write([&](SqlSession& db) -> absl::Status {
      // A deletion of an earlier blob of the same bytes may have removed the file between its
      // rename and this transaction. Deletions are transactions, so the check here is enough.
      if (const auto size = files_.Size(tenant_, blob.sha256()); !size.ok()) {
        return WithRetryAfter(absl::UnavailableError("blob: was being deleted; upload it again"),
                              absl::Seconds(1));
      }
      // Bytes that the tenant has already cost nothing, also while they are being deleted: until
      // then they count.
      ASSIGN_OR_RETURN(const int64_t known,
                       db.QueryInt("SELECT count(*) FROM blob WHERE tenant = ? AND sha256 = ?",
                                   {tenant_, blob.sha256()}, 0));
      if (known == 0) RETURN_IF_ERROR(CheckByteQuota(db, quota_, tenant_, blob.size_bytes()));
      return SaveBlobRow(db, time_.Now(), tenant_, blob);
    });
    if (saved.ok()) return blob;
    // If this fails too, the next start of the server finds the file.
    RemoveFileWithoutRow(database_, files_, tenant_, blob.sha256()).IgnoreError();
    return saved;
  }

 private:
  const std::unique_ptr<BlobWriter> writer_;
  const std::string tenant_;
  BlobFiles& files_;
  Database& database_;
  const StoreClock& time_;
  const TenantQuota quota_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<BlobWriter>> TrackedBlobStore::Create(std::string_view tenant) {
  VICO_FAILPOINT("blob.before_create");
  // Commit decides; this spares a tenant without room the upload.
  RETURN_IF_ERROR(
      database_.Read([&](SqlSession& db) { return CheckByteQuota(db, quota_, tenant, 0); }));
  ASSIGN_OR_RETURN(auto writer, files_.Create(tenant));
  return std::make_unique<TrackedWriter>(std::move(writer), std::string(tenant), files_, database_,
                                         time_, quota_);
}

absl::Status TrackedBlobStore::CheckLive(std::string_view tenant, std::string_view sha256) {
  return database_.Read([&](SqlSession& db) { return FindLiveBlob(db, tenant, sha256).status(); });
}

absl::StatusOr<std::unique_ptr<BlobReader>> TrackedBlobStore::Open(std::string_view tenant,
                                                                   std::string_view sha256) {
  // The file first: an open file stays readable, and a row that is live now was live before.
  ASSIGN_OR_RETURN(auto reader, files_.Open(tenant, sha256));
  RETURN_IF_ERROR(CheckLive(tenant, sha256));
  return VerifiedReader(std::move(reader), database_, files_, tenant, sha256);
}

absl::StatusOr<uint64_t> TrackedBlobStore::Size(std::string_view tenant, std::string_view sha256) {
  ASSIGN_OR_RETURN(const uint64_t size, files_.Size(tenant, sha256));
  RETURN_IF_ERROR(CheckLive(tenant, sha256));
  return size;
}

absl::Status TrackedBlobStore::Remove(std::string_view tenant, std::string_view sha256) {
  if (const auto size = files_.Size(tenant, sha256); absl::IsInvalidArgument(size.status())) {
    return size.status();
  }
  RETURN_IF_ERROR(database_.Write([&](SqlSession& db) {
    return db
        .Execute("UPDATE blob SET state = 'deleting' WHERE tenant = ? AND sha256 = ?",
                 {tenant, sha256})
        .status();
  }));
  return FinishDeletion(database_, files_, tenant, sha256);
}

absl::Status TrackedBlobStore::RemoveTenant(std::string_view tenant) {
  RETURN_IF_ERROR(files_.RemoveTenant(tenant));
  return database_.Write([&](SqlSession& db) -> absl::Status {
    RETURN_IF_ERROR(db.Execute("DELETE FROM blob_use WHERE tenant = ?", {tenant}).status());
    RETURN_IF_ERROR(db.Execute("DELETE FROM blob WHERE tenant = ?", {tenant}).status());
    return db.Execute("DELETE FROM blob_total WHERE tenant = ?", {tenant}).status();
  });
}

absl::Status RemoveFileWithoutRow(Database& database, BlobFiles& files, std::string_view tenant,
                                  std::string_view sha256) {
  // In a transaction, as in FinishDeletion: an upload of the same bytes may be about to insert the
  // row. It looks for the file in its own transaction.
  return database.Write([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t rows,
                     db.QueryInt("SELECT count(*) FROM blob WHERE tenant = ? AND sha256 = ?",
                                 {tenant, sha256}, 0));
    return rows > 0 ? absl::OkStatus() : files.Remove(tenant, sha256);
  });
}

absl::Status FinishDeletion(Database& database, BlobFiles& files, std::string_view tenant,
                            std::string_view sha256) {
  return database.Write([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(const int64_t deleting,
                     db.QueryInt("SELECT count(*) FROM blob WHERE tenant = ? AND sha256 = ? "
                                 "AND state = 'deleting'",
                                 {tenant, sha256}, 0));
    if (deleting == 0) return absl::OkStatus();
    VICO_FAILPOINT("gc.before_unlink");
    RETURN_IF_ERROR(files.Remove(tenant, sha256));
    return db.Execute("DELETE FROM blob WHERE tenant = ? AND sha256 = ?", {tenant, sha256})
        .status();
  });
}

}  // namespace vico::server
