// The blob store of the services: objects, each with a row in the database. A blob is stored when
// its row is `live`. The row names the object by a key that is never used again, so that storing
// and removing objects need no transaction: an object is stored before its row, and removed after
// the row is gone.
#pragma once

#include <memory>
#include <string>

#include "server/blobs/blob_parts.h"
#include "server/blobs/blob_rows.h"
#include "server/blobs/blob_store.h"
#include "server/tenants/tenant_quota.h"

namespace vico::server {

class TrackedBlobStore final : public BlobStore {
 public:
  /// What `parts` refers to must outlive it and its writers.
  explicit TrackedBlobStore(const BlobParts& parts, const TenantQuota& quota = {})
      : parts_(parts), quota_(quota) {}

  /// A remote store does not get bytes that the tenant has already; one that is not gets them
  /// again, which repairs a damaged file that nobody has read yet.
  absl::StatusOr<std::unique_ptr<BlobWriter>> Create(std::string_view tenant) override;

  /// The reader returns kDataLoss, reason BLOB_DAMAGED, in place of the last bytes of a damaged
  /// blob; see damaged_blob.h.
  absl::StatusOr<std::unique_ptr<BlobReader>> Open(std::string_view tenant,
                                                   std::string_view sha256) override;
  absl::StatusOr<uint64_t> Size(std::string_view tenant, std::string_view sha256) override;
  absl::Status Remove(std::string_view tenant, std::string_view sha256) override;

  /// Removes objects, rows and references, also those that others keep for a grace. After a crash
  /// in between, rows have no objects; another call removes them.
  absl::Status RemoveTenant(std::string_view tenant) override;

 private:
  absl::StatusOr<BlobRow> FindStored(std::string_view tenant, std::string_view sha256);

  const BlobParts parts_;
  const TenantQuota quota_;
};

}  // namespace vico::server
