#include "server/blobs/blob_store.h"

#include <fmt/format.h>

#include "common/crypto/sha256.h"
#include "common/status.h"

namespace vico::server {

absl::StatusOr<v1::BlobRef> PutBlob(BlobStore& store, std::string_view tenant,
                                    std::string_view bytes, std::string_view media_type) {
  ASSIGN_OR_RETURN(const auto writer, store.Create(tenant));
  RETURN_IF_ERROR(writer->Append(bytes));
  return writer->Commit("", media_type);
}

absl::StatusOr<std::string> GetBlob(BlobStore& store, std::string_view tenant,
                                    std::string_view sha256, uint64_t limit_bytes) {
  ASSIGN_OR_RETURN(const auto reader, store.Open(tenant, sha256));
  if (reader->size_bytes() > limit_bytes) {
    return Error(absl::StatusCode::kResourceExhausted,
                 fmt::format("blob {}: has {} bytes, more than {}", sha256, reader->size_bytes(),
                             limit_bytes),
                 "BLOB_TOO_LARGE");
  }
  ASSIGN_OR_RETURN(std::string bytes, reader->Read(0, reader->size_bytes()));
  if (Sha256Hex(bytes) != sha256) {
    return absl::DataLossError(fmt::format("blob {}: is damaged", sha256));
  }
  return bytes;
}

absl::Status ReadThrough(BlobStore& store, std::string_view tenant, std::string_view sha256) {
  constexpr uint64_t kPiece = uint64_t{1} << 20;
  ASSIGN_OR_RETURN(const auto reader, store.Open(tenant, sha256));
  for (uint64_t offset = 0; offset < reader->size_bytes(); offset += kPiece) {
    RETURN_IF_ERROR(reader->Read(offset, kPiece).status());
  }
  return absl::OkStatus();
}

absl::Status CheckBlob(BlobStore& store, std::string_view tenant, const v1::BlobRef& ref) {
  const absl::StatusOr<uint64_t> size = store.Size(tenant, ref.sha256());
  if (size.ok() && *size == ref.size_bytes()) return absl::OkStatus();
  if (!size.ok() && !absl::IsNotFound(size.status())) return size.status();
  return Error(absl::StatusCode::kFailedPrecondition,
               fmt::format("blob {}: is not stored with {} bytes", ref.sha256(), ref.size_bytes()),
               "BLOB_MISSING");
}

}  // namespace vico::server
