// Compares the objects of a remote store with the rows once a day: an object that nothing names is
// removed, and a blob whose object is gone is reported as lost.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/log.h"
#include "server/blobs/blob_parts.h"

namespace vico::server {

struct ReconciliationSummary {
  int objects = 0;    ///< in the store
  int unnamed = 0;    ///< of these, objects that nothing names and that are more than a day old
  int forgotten = 0;  ///< deleted rows, whose objects are gone
};

/// Lists the store and reads all rows. Objects that nothing names are dead from now on. It needs
/// 8 bytes of memory for each object.
absl::StatusOr<ReconciliationSummary> ReconcileBlobs(const BlobParts& parts);

/// One thread at a time; among several servers, one. Does nothing for a store that is not remote.
class BlobReconciliation {
 public:
  /// What `parts` refers to must outlive it.
  BlobReconciliation(const BlobParts& parts, const Log& log) : parts_(parts), log_(log) {}

  /// Compares if the last comparison by any server began a day ago, and logs what it finds. The
  /// first one begins a day after the first turn.
  absl::Status Turn();

 private:
  absl::StatusOr<bool> IsDue();

  const BlobParts parts_;
  const Log log_;
  absl::Time next_look_ = absl::InfinitePast();
};

}  // namespace vico::server
