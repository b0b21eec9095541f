#include "server/blobs/blob_maintenance.h"

namespace vico::server {
namespace {

constexpr int kMaxCollected = 64;

}  // namespace

BlobMaintenance::BlobMaintenance(Database& database, BlobFiles& files, const StoreClock& time,
                                 const Log& log, const BlobMaintenanceOptions& options)
    : log_(log),
      options_(options),
      collector_(database, files, time, options.garbage_age, options.quota),
      scrubber_(database, files, time, log, options.scrub_interval) {}

void BlobMaintenance::Start() {
  thread_ = std::make_unique<PeriodicThread>(options_.interval, [this] { Turn(); });
}

void BlobMaintenance::Turn() {
  const absl::StatusOr<int> collected = collector_.Turn(kMaxCollected);
  if (!collected.ok()) {
    log_.Error("garbage collection of blobs failed", {{"error", collected.status().ToString()}});
  } else if (*collected > 0) {
    log_.Info("unreferenced blobs were deleted", {{"blobs", *collected}});
  }
  const double seconds = absl::ToDoubleSeconds(options_.interval);
  const auto bytes =
      static_cast<uint64_t>(static_cast<double>(options_.scrub_bytes_per_second) * seconds);
  if (const auto scrubbed = scrubber_.Turn(bytes); !scrubbed.ok()) {
    log_.Error("scrubbing blobs failed", {{"error", scrubbed.status().ToString()}});
  }
}

}  // namespace vico::server
