// Garbage collection of blobs: deletes those that nothing has referenced for a day.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "server/blobs/blob_files.h"
#include "server/jobs/store_clock.h"
#include "server/jobs/tenant_quota.h"
#include "server/sql/database.h"

namespace vico::server {

/// One thread at a time.
class BlobGarbageCollector {
 public:
  /// `age`: since the upload or the loss of the last reference. A tenant that has used nine tenths
  /// of its bytes in `quota` waits ten minutes at most, so that what it deletes gives room soon.
  /// The references must outlive it.
  BlobGarbageCollector(Database& database, BlobFiles& files, const StoreClock& time,
                       absl::Duration age, const TenantQuota& quota = {})
      : database_(database), files_(files), time_(time), age_(age), quota_(quota) {}

  /// Deletes up to `limit` unreferenced blobs that are old enough. Keeps a blob that was uploaded
  /// during a job of its tenant that is still running: the worker may be about to reference it.
  /// Returns the number of blobs it marked. The state `deleting` is durable before the first file
  /// is removed; deletions that an earlier turn began are finished too.
  absl::StatusOr<int> Turn(int limit);

 private:
  struct Garbage {
    std::string tenant;
    std::string sha256;
    int64_t before = 0;  // it is garbage if it is older than this
  };

  absl::Status Find(SqlSession& db, size_t limit, std::vector<Garbage>& found) const;
  absl::StatusOr<int> Mark(size_t limit);

  Database& database_;
  BlobFiles& files_;
  const StoreClock& time_;
  const absl::Duration age_;
  const TenantQuota quota_;
  std::chrono::steady_clock::time_point next_search_;
};

}  // namespace vico::server
