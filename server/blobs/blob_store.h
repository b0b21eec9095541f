// Interface of the blob store: immutable bytes, identified by their SHA-256. The same bytes of two
// tenants are two blobs: sharing would tell one tenant what another has stored.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/formats/mapped_file.h"
#include "vico/v1/job.pb.h"

namespace vico::server {

/// An upload. Destroyed without Commit, or after an error, it leaves nothing behind. One thread at
/// a time.
class BlobWriter {
 public:
  virtual ~BlobWriter() = default;

  /// kResourceExhausted, reason DISK_FULL, when the disk is full. After an error every call fails.
  virtual absl::Status Append(std::string_view bytes) = 0;

  /// The bytes so far, to check them before Commit: a mapping of the unfinished file. Not for an
  /// upload of no bytes.
  virtual absl::StatusOr<MappedBytes> Map() = 0;

  /// Makes the bytes durable under their digest. kUnavailable, with a reason of an object store,
  /// when a bucket does not take them: nothing is stored, and the upload may be repeated.
  /// kDataLoss, reason DIGEST_MISMATCH, when `expected_sha256` is not empty and differs;
  /// kResourceExhausted, reason QUOTA_EXCEEDED, when the bytes are new to the tenant and exceed its
  /// quota. `media_type` is only copied into the result.
  virtual absl::StatusOr<v1::BlobRef> Commit(std::string_view expected_sha256,
                                             std::string_view media_type) = 0;
};

/// A blob that is open for reading. If the blob is removed meanwhile, Read returns its bytes or
/// kNotFound, reason BLOB_NOT_FOUND: files stay readable, objects in a bucket do not.
class BlobReader {
 public:
  virtual ~BlobReader() = default;

  virtual uint64_t size_bytes() const = 0;

  /// The bytes from `offset`, at most `length`; fewer only at the end, none beyond it. kUnavailable
  /// while a bucket is away.
  virtual absl::StatusOr<std::string> Read(uint64_t offset, uint64_t length) = 0;
};

/// Any thread. kInvalidArgument for a tenant that is not [a-z0-9_-]{1,63} or a digest that is not
/// 64 lower-case hexadecimal digits; nothing else may become part of a path.
class BlobStore {
 public:
  virtual ~BlobStore() = default;

  /// kResourceExhausted, reason QUOTA_EXCEEDED, for a tenant at its quota of bytes.
  virtual absl::StatusOr<std::unique_ptr<BlobWriter>> Create(std::string_view tenant) = 0;

  /// kNotFound, reason BLOB_NOT_FOUND, when the blob is not stored.
  virtual absl::StatusOr<std::unique_ptr<BlobReader>> Open(std::string_view tenant,
                                                           std::string_view sha256) = 0;

  /// Size in bytes; kNotFound when the blob is not stored.
  virtual absl::StatusOr<uint64_t> Size(std::string_view tenant, std::string_view sha256) = 0;

  /// OK also when the blob is not stored.
  virtual absl::Status Remove(std::string_view tenant, std::string_view sha256) = 0;

  /// Removes all of the tenant's blobs, durably, and its unfinished uploads. From now on nothing is
  /// stored for it: Create and Commit return kAborted or kFailedPrecondition, reason
  /// TENANT_DELETED.
  virtual absl::Status RemoveTenant(std::string_view tenant) = 0;
};

/// Stores a whole blob.
absl::StatusOr<v1::BlobRef> PutBlob(BlobStore& store, std::string_view tenant,
                                    std::string_view bytes, std::string_view media_type);

/// Reads a whole blob and checks its digest (kDataLoss). kResourceExhausted above `limit_bytes`.
absl::StatusOr<std::string> GetBlob(BlobStore& store, std::string_view tenant,
                                    std::string_view sha256, uint64_t limit_bytes);

/// Reads a whole blob in pieces: OK when nothing is wrong with it. The store checks its digest.
absl::Status ReadThrough(BlobStore& store, std::string_view tenant, std::string_view sha256);

/// OK when the blob is stored with the size in `ref`; otherwise kFailedPrecondition, reason
/// BLOB_MISSING.
absl::Status CheckBlob(BlobStore& store, std::string_view tenant, const v1::BlobRef& ref);

}  // namespace vico::server
