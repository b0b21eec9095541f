// The thread that collects blob garbage, scrubs blobs and compares a remote store with the rows, a
// little every second.
#pragma once

#include <memory>

#include "common/log.h"
#include "common/periodic_thread.h"
#include "server/blobs/blob_garbage_collector.h"
#include "server/blobs/blob_reconciliation.h"
#include "server/blobs/scrubber.h"
#include "server/jobs/leadership.h"

namespace vico::server {

struct BlobMaintenanceOptions {
  absl::Duration garbage_age = absl::Hours(24);  ///< age at which an unreferenced blob is deleted
  TenantQuota quota{};  ///< of which full tenants' garbage is deleted earlier
  absl::Duration scrub_interval = absl::Hours(24);  ///< between the starts of two rounds
  uint64_t scrub_bytes_per_second = uint64_t{16} << 20;
  absl::Duration interval = absl::Seconds(1);  ///< between turns
  const Leadership* leadership = nullptr;      ///< only the leader has turns; null: this server
};

/// What `parts` refers to must outlive it. The destructor stops the thread. Where several servers
/// use one database, one of them runs it, though more do no harm.
class BlobMaintenance {
 public:
  BlobMaintenance(const BlobParts& parts, const Log& log, const BlobMaintenanceOptions& options);
  void Start();

  /// One turn of the thread. Not while the thread runs.
  void Turn();

 private:
  const Log log_;
  const BlobMaintenanceOptions options_;
  BlobGarbageCollector collector_;
  Scrubber scrubber_;
  BlobReconciliation reconciliation_;
  std::unique_ptr<PeriodicThread> thread_;
};

}  // namespace vico::server
