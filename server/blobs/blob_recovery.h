// Reconciles blob files and their rows when a server starts: finishes deletions, and reports lost
// blobs with the resources that reference them.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "server/blobs/blob_files.h"
#include "server/jobs/store_clock.h"
#include "server/sql/database.h"

namespace vico::server {

struct LostBlob {
  std::string tenant;
  std::string sha256;
  std::vector<std::string> users;  ///< jobs, adapters, concepts and base models that reference it
};

struct BlobRecovery {
  int erased = 0;     ///< deleted tenants that had files left, which are gone now
  int adopted = 0;    ///< files that had no row and got one; their age counts from now
  int deleted = 0;    ///< deletions that an earlier process had begun
  int forgotten = 0;  ///< deleted rows: no file, or one of another size, which is quarantined
  std::vector<LostBlob>
      lost;  ///< referenced but not stored; an upload of the same bytes repairs it
};

/// Must run before the services start. The blob files remove unfinished uploads themselves.
absl::StatusOr<BlobRecovery> RecoverBlobs(Database& database, BlobFiles& files,
                                          const StoreClock& time);

}  // namespace vico::server
