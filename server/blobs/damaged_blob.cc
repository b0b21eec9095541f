#include "server/blobs/damaged_blob.h"

#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/crypto/sha256.h"
#include "common/status.h"

namespace vico::server {
namespace {

constexpr uint64_t kChunk = uint64_t{1} << 20;

/// Whether the object has its digest. What cannot be read has not, unless the store is away.
absl::StatusOr<bool> IsIntact(ObjectStore& objects, const BlobRow& row) {
  ASSIGN_OR_RETURN(const auto reader, objects.Open(row.object_key, row.size_bytes));
  Sha256 hash;
  for (uint64_t offset = 0; offset < row.size_bytes;) {
    const auto chunk = reader->Read(offset, kChunk);
    if (!chunk.ok() && !IsAboutBytes(chunk.status())) return chunk.status();
    if (!chunk.ok() || chunk->empty()) return false;
    hash.Update(*chunk);
    offset += chunk->size();
  }
  return hash.HexDigest() == row.sha256;
}

class Verified final : public BlobReader {
 public:
  Verified(std::unique_ptr<ObjectReader> reader, const BlobParts& parts, BlobRow row)
      : reader_(std::move(reader)), parts_(parts), row_(std::move(row)) {}

  uint64_t size_bytes() const override { return row_.size_bytes; }

  absl::StatusOr<std::string> Read(uint64_t offset, uint64_t length) override {
    auto bytes = reader_->Read(offset, length);
    if (absl::IsDataLoss(bytes.status())) return Recheck();
    // Only a read from start to end gives the digest.
    if (!bytes.ok() || offset != hashed_ || bytes->empty()) return bytes;
    hash_.Update(*bytes);
    hashed_ += bytes->size();
    if (hashed_ == size_bytes() && hash_.HexDigest() != row_.sha256) return Recheck();
    return bytes;
  }

 private:
  /// The object may have been replaced since this reader opened it.
  absl::Status Recheck() {
    RETURN_IF_ERROR(CheckStoredBlob(parts_, row_.tenant, row_.sha256));
    return absl::UnavailableError(
        fmt::format("blob {}: was replaced meanwhile; read it again", row_.sha256));
  }

  const std::unique_ptr<ObjectReader> reader_;
  const BlobParts parts_;
  const BlobRow row_;
  Sha256 hash_;
  uint64_t hashed_ = 0;
};

}  // namespace

absl::StatusOr<Quarantined> QuarantineDamaged(const BlobParts& parts, const BlobRow& seen) {
  Quarantined result;
  RETURN_IF_ERROR(parts.database.Write([&](SqlSession& db) -> absl::Status {
    result = {};
    // A blob that was uploaded again or deleted since the read began is another object.
    ASSIGN_OR_RETURN(const int deleted, db.Execute("DELETE FROM blob WHERE tenant = ? AND "
                                                   "sha256 = ? AND object_key = ? AND time = ?",
                                                   {seen.tenant, seen.sha256, seen.object_key,
                                                    absl::ToUnixMicros(seen.time)}));
    if (deleted == 0) return absl::OkStatus();
    result.moved = true;
    ASSIGN_OR_RETURN(result.users, UsersOfBlob(db, seen.tenant, seen.sha256));
    return BuryObject(db, seen.object_key, parts.time.Now() + kKeepDamaged);
  }));
  // If this fails, the object stays where it is for the same time.
  if (result.moved) parts.objects.Quarantine(seen.object_key).IgnoreError();
  return result;
}

absl::Status CheckStoredBlob(const BlobParts& parts, std::string_view tenant,
                             std::string_view sha256) {
  BlobRow seen;
  RETURN_IF_ERROR(parts.database.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(seen, FindLiveBlob(db, tenant, sha256));
    return absl::OkStatus();
  }));
  ASSIGN_OR_RETURN(const bool intact, IsIntact(parts.objects, seen));
  if (intact) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Quarantined quarantined, QuarantineDamaged(parts, seen));
  return Error(absl::StatusCode::kDataLoss,
               fmt::format("blob {}: is damaged{}{}", sha256,
                           quarantined.users.empty() ? "" : "; it belongs to ",
                           fmt::join(quarantined.users, ", ")),
               "BLOB_DAMAGED");
}

std::unique_ptr<BlobReader> VerifiedReader(std::unique_ptr<ObjectReader> reader,
                                           const BlobParts& parts, BlobRow row) {
  return std::make_unique<Verified>(std::move(reader), parts, std::move(row));
}

}  // namespace vico::server
