// What happens to a stored blob whose bytes no longer have its digest: its object goes to
// quarantine and its row is deleted. It then counts as missing, and an upload of the same bytes
// repairs it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "server/blobs/blob_parts.h"
#include "server/blobs/blob_rows.h"
#include "server/blobs/blob_store.h"

namespace vico::server {

struct Quarantined {
  bool moved = false;              ///< false: it was uploaded again or deleted meanwhile
  std::vector<std::string> users;  ///< resources that reference the blob
};

/// How long the object of a damaged blob is kept for inspection where quarantine is no folder.
inline constexpr absl::Duration kKeepDamaged = absl::Hours(24 * 30);

/// Quarantines the blob of the row `seen`, which was read before the bytes were.
absl::StatusOr<Quarantined> QuarantineDamaged(const BlobParts& parts, const BlobRow& seen);

/// Reads a stored blob from start to end. OK when its bytes have its digest. kNotFound when it is
/// not stored. kDataLoss, reason BLOB_DAMAGED, when it was damaged, and now is in quarantine; the
/// message names the resources that reference it. Any other error when it cannot be read now.
absl::Status CheckStoredBlob(const BlobParts& parts, std::string_view tenant,
                             std::string_view sha256);

/// A reader of the stored blob of `row` that computes the digest of what is read. When it has been
/// read from start to end and the digest differs, the last Read returns the error of
/// CheckStoredBlob. So nobody takes damaged bytes for the blob. What `parts` refers to must outlive
/// it.
std::unique_ptr<BlobReader> VerifiedReader(std::unique_ptr<ObjectReader> reader,
                                           const BlobParts& parts, BlobRow row);

}  // namespace vico::server
