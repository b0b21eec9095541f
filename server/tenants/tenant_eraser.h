// Interface that removes the rows and blobs of tenants whose deletion has begun.
#pragma once

#include <absl/status/statusor.h>
#include <absl/time/time.h>

namespace vico::server {

/// Any thread.
class TenantEraser {
 public:
  virtual ~TenantEraser() = default;

  /// Erases deleted tenants until none is left or `time_limit` has passed. True when none is left.
  /// A crash in the middle leaves the tenant marked, and the next run continues.
  virtual absl::StatusOr<bool> Run(absl::Duration time_limit) = 0;
};

}  // namespace vico::server
