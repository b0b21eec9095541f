// What a server does with blobs when it starts: half-done deletions are finished, files and rows
// are made to agree, and what is lost is said by name.
#pragma once

#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "server/blobs/blob_store_local.h"
#include "server/sql/database.h"
#include "server/jobs/steady_time.h"

namespace vico::server {

struct LostBlob {
  std::string tenant;
  std::string sha256;
  std::vector<std::string> users;  ///< jobs, adapters, concepts and base models that name it
};

struct BlobRecovery {
  int adopted = 0;    ///< files without a row got one: their age counts from now
  int deleted = 0;    ///< deletions that were under way
  int forgotten = 0;  ///< rows without a file, or with one of another size (that one is set aside)
  std::vector<LostBlob> lost;  ///< named, but not there: uploading the same bytes mends it
};

/// Before the services start. Files on their way in are the blob store's own to clear.
absl::StatusOr<BlobRecovery> RecoverBlobs(Database& database, LocalBlobStore& files,
                                          const SteadyTime& time);

}  // namespace vico::server
