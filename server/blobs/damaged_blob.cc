#include "server/blobs/damaged_blob.h"

#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/sha256.h"
#include "common/status.h"

namespace vico::server {
namespace {

constexpr uint64_t kChunk = uint64_t{1} << 20;

/// Whether the file has its digest. What cannot be read has not.
absl::StatusOr<bool> IsIntact(BlobFiles& files, std::string_view tenant, std::string_view sha256) {
  ASSIGN_OR_RETURN(const auto reader, files.Open(tenant, sha256));
  Sha256 hash;
  for (uint64_t offset = 0; offset < reader->size_bytes();) {
    const auto chunk = reader->Read(offset, kChunk);
    if (!chunk.ok() || chunk->empty()) return false;
    hash.Update(*chunk);
    offset += chunk->size();
  }
  return hash.HexDigest() == sha256;
}

class Verified final : public BlobReader {
 public:
  Verified(std::unique_ptr<BlobReader> reader, Database& database, BlobFiles& files,
           std::string_view tenant, std::string_view sha256)
      : reader_(std::move(reader)),
        database_(database),
        files_(files),
        tenant_(tenant),
        sha256_(sha256) {}

  uint64_t size_bytes() const override { return reader_->size_bytes(); }

  absl::StatusOr<std::string> Read(uint64_t offset, uint64_t length) override {
    auto bytes = reader_->Read(offset, length);
    if (absl::IsDataLoss(bytes.status())) return Recheck();
    // Only a read from start to end gives the digest.
    if (!bytes.ok() || offset != hashed_ || bytes->empty()) return bytes;
    hash_.Update(*bytes);
    hashed_ += bytes->size();
    if (hashed_ == size_bytes() && hash_.HexDigest() != sha256_) return Recheck();
    return bytes;
  }

 private:
  /// The file may have been replaced since this reader opened it.
  absl::Status Recheck() {
    RETURN_IF_ERROR(CheckStoredBlob(database_, files_, tenant_, sha256_));
    return absl::UnavailableError(
        fmt::format("blob {}: was replaced meanwhile; read it again", sha256_));
  }

  const std::unique_ptr<BlobReader> reader_;
  Database& database_;
  BlobFiles& files_;
  const std::string tenant_;
  const std::string sha256_;
  Sha256 hash_;
  uint64_t hashed_ = 0;
};

}  // namespace

absl::StatusOr<Quarantined> QuarantineDamaged(Database& database, BlobFiles& files,
                                              const BlobRow& seen) {
  Quarantined result;
  RETURN_IF_ERROR(database.Write([&](SqlSession& db) -> absl::Status {
    result = {};
    // A blob that was uploaded again or deleted since the read began is another file.
    const auto now = FindLiveBlob(db, seen.tenant, seen.sha256);
    if (absl::IsNotFound(now.status())) return absl::OkStatus();
    if (!now.ok()) return now.status();
    if (now->time != seen.time) return absl::OkStatus();
    ASSIGN_OR_RETURN(result.users, UsersOfBlob(db, seen.tenant, seen.sha256));
    RETURN_IF_ERROR(files.Quarantine(seen.tenant, seen.sha256));
    result.moved = true;
    return db
        .Execute("DELETE FROM blob WHERE tenant = ? AND sha256 = ?", {seen.tenant, seen.sha256})
        .status();
  }));
  return result;
}

absl::Status CheckStoredBlob(Database& database, BlobFiles& files, std::string_view tenant,
                             std::string_view sha256) {
  BlobRow seen;
  RETURN_IF_ERROR(database.Read([&](SqlSession& db) -> absl::Status {
    ASSIGN_OR_RETURN(seen, FindLiveBlob(db, tenant, sha256));
    return absl::OkStatus();
  }));
  ASSIGN_OR_RETURN(const bool intact, IsIntact(files, tenant, sha256));
  if (intact) return absl::OkStatus();
  ASSIGN_OR_RETURN(const Quarantined quarantined, QuarantineDamaged(database, files, seen));
  return Error(absl::StatusCode::kDataLoss,
               fmt::format("blob {}: is damaged{}{}", sha256,
                           quarantined.users.empty() ? "" : "; it belongs to ",
                           fmt::join(quarantined.users, ", ")),
               "BLOB_DAMAGED");
}

std::unique_ptr<BlobReader> VerifiedReader(std::unique_ptr<BlobReader> reader, Database& database,
                                           BlobFiles& files, std::string_view tenant,
                                           std::string_view sha256) {
  return std::make_unique<Verified>(std::move(reader), database, files, tenant, sha256);
}

}  // namespace vico::server
