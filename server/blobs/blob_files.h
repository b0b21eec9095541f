// Interface of the files of blobs, without their rows in the database.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "server/blobs/blob_store.h"

namespace vico::server {

/// Any thread.
class BlobFiles : public BlobStore {
 public:
  struct File {
    std::string tenant;
    std::string sha256;
    uint64_t size_bytes = 0;
  };

  /// All blobs that have a file, also those without a row.
  virtual absl::StatusOr<std::vector<File>> List() = 0;

  /// Moves a damaged blob out of the store and keeps it for inspection. OK when it does not exist.
  virtual absl::Status Quarantine(std::string_view tenant, std::string_view sha256) = 0;
};

}  // namespace vico::server
