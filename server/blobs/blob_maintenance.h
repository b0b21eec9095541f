// The thread that looks after blobs: collects garbage and scrubs, a little every second.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "common/log.h"
#include "server/blobs/blob_garbage_collector.h"
#include "server/blobs/scrubber.h"

namespace vico::server {

struct BlobMaintenanceOptions {
  absl::Duration garbage_age = absl::Hours(24);     ///< of a blob that nothing names
  absl::Duration scrub_interval = absl::Hours(24);  ///< between the beginnings of two rounds
  uint64_t scrub_bytes_per_second = uint64_t{16} << 20;
  absl::Duration interval = absl::Seconds(1);  ///< between turns
};

/// The references must outlive it. Stops with its destructor.
class BlobMaintenance {
 public:
  BlobMaintenance(Database& database, LocalBlobStore& files, const SteadyTime& time, const Log& log,
             const BlobMaintenanceOptions& options);
  ~BlobMaintenance();

  void Start();

  /// One turn, as the thread does them; for tests, instead of Start.
  void Turn();

 private:
  void Loop();

  const Log log_;
  const BlobMaintenanceOptions options_;
  BlobGarbageCollector collector_;
  Scrubber scrubber_;

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // guarded by mutex_
  std::thread thread_;
};

}  // namespace vico::server
