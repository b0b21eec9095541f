// Copies an installation, rows and blobs, to another database and another place of blobs.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "server/copy/blob_copy.h"
#include "server/copy/row_copy.h"

namespace vico::server {

/// One of the two installations. What it refers to must outlive the call.
struct Installation {
  BlobParts blobs;  ///< with the database
  Engine engine = Engine::kSqlite;
  std::string location;  ///< of the blobs; see LocationOfBlobs
};

struct CopySummary {
  int64_t rows = 0;  ///< copied by this call
  BlobsCopied blobs;
};

/// Nothing else may use the two installations. The target must be new, or of an interrupted copy of
/// the same source, which goes on: kFailedPrecondition, reason TARGET_NOT_EMPTY, otherwise; reason
/// BLOBS_ARE_ELSEWHERE when the source's blobs are not where `from` says. Until the copy is
/// complete, no server starts on the target.
absl::StatusOr<CopySummary> CopyInstallation(
    const Installation& from, const Installation& to,
    const std::function<void(const BlobsCopied&)>& progress);

}  // namespace vico::server
