// Garbage collection of blobs: deletes those that nothing has referenced for a day.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "server/blobs/blob_parts.h"
#include "server/tenants/tenant_quota.h"

namespace vico::server {

/// One thread at a time.
class BlobGarbageCollector {
 public:
  /// `age`: since the upload or the loss of the last reference. A tenant that has used nine tenths
  /// of its bytes in `quota` waits ten minutes at most, so that what it deletes gives room soon.
  /// What `parts` refers to must outlive it.
  BlobGarbageCollector(const BlobParts& parts, absl::Duration age, const TenantQuota& quota = {})
      : parts_(parts), age_(age), quota_(quota) {}

  /// Deletes the rows of up to `limit` unreferenced blobs that are old enough. Keeps a blob that
  /// was uploaded during a job of its tenant that is still running: the worker may be about to
  /// reference it. Returns the number of blobs it deleted. That is durable before the first object
  /// is removed. Also removes dead objects that are due, of earlier turns too.
  absl::StatusOr<int> Turn(int limit);

 private:
  struct Garbage {
    std::string tenant;
    std::string sha256;
    int64_t before = 0;  // it is garbage if it is older than this
  };

  absl::Status Find(SqlSession& db, size_t limit, std::vector<Garbage>& found) const;
  absl::StatusOr<int> DeleteRows(size_t limit);

  const BlobParts parts_;
  const absl::Duration age_;
  const TenantQuota quota_;
  std::chrono::steady_clock::time_point next_search_;
};

}  // namespace vico::server
