// Copies the blobs of one installation to another, bytes and rows, and checks each digest.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "server/blobs/blob_parts.h"

namespace vico::server {

struct BlobsCopied {
  int64_t blobs = 0;    ///< copied by this call
  int64_t skipped = 0;  ///< the target had them already
  uint64_t bytes = 0;   ///< of the copied ones
  struct Lost {
    std::string tenant;
    std::string sha256;
    std::vector<std::string> users;  ///< resources that reference it
  };
  std::vector<Lost> lost;  ///< missing or damaged in the source
};

/// Copies the live blobs that the target has no row of, with `threads` transfers at a time. A row
/// is inserted once its object is durable. A blob that is missing or damaged in the source is left
/// out and reported. `progress` gets the counts now and then, on one thread at a time.
absl::StatusOr<BlobsCopied> CopyBlobs(const BlobParts& from, const BlobParts& to, int threads,
                                      const std::function<void(const BlobsCopied&)>& progress);

}  // namespace vico::server
