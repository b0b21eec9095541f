// The thread that collects blob garbage and scrubs blobs, a little every second.
#pragma once

#include <memory>

#include "common/log.h"
#include "common/periodic_thread.h"
#include "server/blobs/blob_garbage_collector.h"
#include "server/blobs/scrubber.h"

namespace vico::server {

struct BlobMaintenanceOptions {
  absl::Duration garbage_age = absl::Hours(24);  ///< age at which an unreferenced blob is deleted
  TenantQuota quota{};  ///< of which full tenants' garbage is deleted earlier
  absl::Duration scrub_interval = absl::Hours(24);  ///< between the starts of two rounds
  uint64_t scrub_bytes_per_second = uint64_t{16} << 20;
  absl::Duration interval = absl::Seconds(1);  ///< between turns
};

/// The references must outlive it. The destructor stops the thread.
class BlobMaintenance {
 public:
  BlobMaintenance(Database& database, BlobFiles& files, const StoreClock& time, const Log& log,
                  const BlobMaintenanceOptions& options);
  void Start();

  /// One turn of the thread. Not while the thread runs.
  void Turn();

 private:
  const Log log_;
  const BlobMaintenanceOptions options_;
  BlobGarbageCollector collector_;
  Scrubber scrubber_;
  std::unique_ptr<PeriodicThread> thread_;
};

}  // namespace vico::server
