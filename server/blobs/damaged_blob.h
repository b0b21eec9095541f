// What happens to a stored blob whose bytes no longer have its digest: it goes to quarantine and
// its row is deleted. It then counts as missing, and an upload of the same bytes repairs it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "server/blobs/blob_files.h"
#include "server/blobs/blob_rows.h"
#include "server/sql/database.h"

namespace vico::server {

struct Quarantined {
  bool moved = false;              ///< false: it was uploaded again or deleted meanwhile
  std::vector<std::string> users;  ///< resources that reference the blob
};

/// Quarantines the blob of the row `seen`, which was read before the bytes were.
absl::StatusOr<Quarantined> QuarantineDamaged(Database& database, BlobFiles& files,
                                              const BlobRow& seen);

/// Reads a stored blob from start to end. OK when its bytes have its digest. kNotFound when it is
/// not stored. kDataLoss, reason BLOB_DAMAGED, when it was damaged, and now is in quarantine; the
/// message names the resources that reference it.
absl::Status CheckStoredBlob(Database& database, BlobFiles& files, std::string_view tenant,
                             std::string_view sha256);

/// A reader of a stored blob that computes the digest of what is read. When it has been read from
/// start to end and the digest differs, the last Read returns the error of CheckStoredBlob. So
/// nobody takes damaged bytes for the blob. The references must outlive it.
std::unique_ptr<BlobReader> VerifiedReader(std::unique_ptr<BlobReader> reader, Database& database,
                                           BlobFiles& files, std::string_view tenant,
                                           std::string_view sha256);

}  // namespace vico::server
