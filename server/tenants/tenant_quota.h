// What one tenant may store, and how long what it no longer needs is kept.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/time/time.h>

namespace vico::server {

/// 0: no limit.
struct TenantQuota {
  uint64_t bytes = 0;  ///< of all its blobs, garbage that is not collected yet included
  int adapters = 0;    ///< stored ones, and those that its queued and running trainings will make
  int uploaded_pictures = 0;  ///< of UploadPicture, until they are deleted or expire
};

struct Retention {
  absl::Duration finished_jobs = absl::ZeroDuration();  ///< since their end; zero: for ever
  /// Of a succeeded training, since its end: its newest checkpoint, with which another training
  /// continues it exactly. Zero: none is kept.
  absl::Duration checkpoints = absl::Hours(24 * 7);
  /// Pictures of UploadPicture, since their upload.
  absl::Duration uploaded_pictures = absl::Hours(24);
  /// Since the deletion of what the request created. Until then a repeat of the request creates
  /// nothing.
  absl::Duration request_ids = absl::Hours(24 * 30);
};

/// kResourceExhausted, reason QUOTA_EXCEEDED, with QuotaFailure. No RetryInfo: it does not end by
/// itself. `what` is the message.
absl::Status QuotaExceeded(std::string_view tenant, const std::string& what);

}  // namespace vico::server
