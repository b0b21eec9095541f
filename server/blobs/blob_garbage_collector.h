// Garbage collection of blobs: what nothing has named for a day goes.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "server/blobs/blob_store_local.h"
#include "server/sql/database.h"
#include "server/jobs/steady_time.h"

namespace vico::server {

/// One thread at a time.
class BlobGarbageCollector {
 public:
  /// `age`: since a blob was put or lost its last name. The references must outlive it.
  BlobGarbageCollector(Database& database, LocalBlobStore& files, const SteadyTime& time,
                absl::Duration age)
      : database_(database), files_(files), time_(time), age_(age) {}

  /// Up to `limit` blobs that are old enough, that nothing names, and that were not put while a job
  /// of their tenant was running that is running still: its worker may be about to name them.
  /// Returns how many were given up. `deleting` is durable before the first file goes; what an
  /// earlier turn left half done is finished first.
  absl::StatusOr<int> Turn(int limit);

 private:
  absl::Status UnlinkUnnamed();  // planted only

  Database& database_;
  LocalBlobStore& files_;
  const SteadyTime& time_;
  const absl::Duration age_;
};

}  // namespace vico::server
