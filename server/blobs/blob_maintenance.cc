#include "server/blobs/blob_maintenance.h"

namespace vico::server {
namespace {

constexpr int kMaxCollected = 64;

}  // namespace

BlobMaintenance::BlobMaintenance(const BlobParts& parts, const Log& log,
                                 const BlobMaintenanceOptions& options)
    : log_(log),
      options_(options),
      collector_(parts, options.garbage_age, options.quota),
      scrubber_(parts, log, options.scrub_interval),
      reconciliation_(parts, log) {}

void BlobMaintenance::Start() {
  thread_ = std::make_unique<PeriodicThread>(options_.interval, [this] {
    if (options_.leadership == nullptr || options_.leadership->IsLeader()) Turn();
  });
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
  if (const absl::Status compared = reconciliation_.Turn(); !compared.ok()) {
    log_.Error("comparing blobs with objects failed", {{"error", compared.ToString()}});
  }
}

}  // namespace vico::server
