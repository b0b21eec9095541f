// Reconciles the files of blobs and their rows when a server starts on a local folder, and reports
// lost blobs with the resources that reference them. A remote store is compared with the rows once
// a day instead: see blob_reconciliation.h.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "server/blobs/blob_parts.h"

namespace vico::server {

struct LostBlob {
  std::string tenant;
  std::string sha256;
  std::vector<std::string> users;  ///< jobs, adapters, concepts and base models that reference it
};

/// All referenced blobs that are not stored, with their users.
absl::StatusOr<std::vector<LostBlob>> ReferencedLostBlobs(Database& database);

struct BlobRecovery {
  int erased = 0;     ///< deleted tenants that had files left, which are gone now
  int adopted = 0;    ///< files that had no row and got one; their age counts from now
  int deleted = 0;    ///< dead objects that were removed, and files of uploads that did not end
  int forgotten = 0;  ///< deleted rows: no file, or one of another size, which is quarantined
  std::vector<LostBlob>
      lost;  ///< referenced but not stored; an upload of the same bytes repairs it
};

/// Must run before the services start, and only on a store that is not remote. The store removes
/// unfinished uploads itself.
absl::StatusOr<BlobRecovery> RecoverBlobs(const BlobParts& parts);

}  // namespace vico::server
