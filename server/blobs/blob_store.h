// Bytes by content: what is in is immutable, whole, and named by its SHA-256. Each tenant has its
// own; the same bytes of two tenants are two blobs, since sharing would tell one what the other
// has.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "vico/v1/job.pb.h"

namespace vico::server {

/// One blob on its way in. Dropped without Commit (or after an error) it leaves nothing behind.
/// One thread at a time.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;

  /// kResourceExhausted, reason DISK_FULL, when the disk is full; the writer is then of no more
  /// use.
  virtual absl::Status Append(std::string_view bytes) = 0;

  /// Makes the bytes durable under their digest. kDataLoss, reason DIGEST_MISMATCH, when
  /// `expected_sha256` is not empty and differs. `media_type` goes into the answer only.
  virtual absl::StatusOr<v1::BlobRef> Commit(std::string_view expected_sha256,
                                             std::string_view media_type) = 0;
};

/// One blob on its way out. It stays readable even if the blob is removed meanwhile.
class BlobReader {
 public:
  virtual ~BlobReader() = default;

  virtual uint64_t size_bytes() const = 0;

  /// The bytes from `offset`, at most `length`; fewer only at the end, none behind it.
  virtual absl::StatusOr<std::string> Read(uint64_t offset, uint64_t length) = 0;
};

/// Any thread. kInvalidArgument for a tenant that is not [a-z0-9_-]{1,63} or a digest that is not
/// 64 lower-case hexadecimal digits: nothing else ever becomes part of a path.
class BlobStore {
 public:
  virtual ~BlobStore() = default;

  virtual absl::StatusOr<std::unique_ptr<BlobWriter>> Create(std::string_view tenant) = 0;

  /// kNotFound when it is not there.
  virtual absl::StatusOr<std::unique_ptr<BlobReader>> Open(std::string_view tenant,
                                                           std::string_view sha256) = 0;

  /// Its size in bytes; kNotFound when it is not there.
  virtual absl::StatusOr<uint64_t> Size(std::string_view tenant, std::string_view sha256) = 0;

  /// OK when it was not there, too.
  virtual absl::Status Remove(std::string_view tenant, std::string_view sha256) = 0;

  /// Removes all of the tenant's blobs, durably. One that was on its way in is not taken any more:
  /// its Commit answers kAborted, reason TENANT_DELETED.
  virtual absl::Status RemoveTenant(std::string_view tenant) = 0;
};

/// A whole blob at once.
absl::StatusOr<v1::BlobRef> PutBlob(BlobStore& store, std::string_view tenant,
                                    std::string_view bytes, std::string_view media_type);

/// The whole blob, checked against its digest (kDataLoss); kResourceExhausted above `limit_bytes`.
absl::StatusOr<std::string> GetBlob(BlobStore& store, std::string_view tenant,
                                    std::string_view sha256, uint64_t limit_bytes);

/// OK when the blob is there with the size that `ref` says; kFailedPrecondition, reason
/// BLOB_MISSING, when it is not.
absl::Status CheckBlob(BlobStore& store, std::string_view tenant, const v1::BlobRef& ref);

}  // namespace vico::server
