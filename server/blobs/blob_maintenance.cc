#include "server/blobs/blob_maintenance.h"

#include <chrono>

namespace vico::server {
namespace {

constexpr int kCollectedAtOnce = 64;

}  // namespace

BlobMaintenance::BlobMaintenance(Database& database, LocalBlobStore& files, const SteadyTime& time,
                       const Log& log, const BlobMaintenanceOptions& options)
    : log_(log),
      options_(options),
      collector_(database, files, time, options.garbage_age),
      scrubber_(database, files, time, log, options.scrub_interval) {}

BlobMaintenance::~BlobMaintenance() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void BlobMaintenance::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void BlobMaintenance::Turn() {
  const absl::StatusOr<int> collected = collector_.Turn(kCollectedAtOnce);
  if (!collected.ok()) {
    log_.Error("blobs were not collected", {{"error", collected.status().ToString()}});
  } else if (*collected > 0) {
    log_.Info("blobs that nothing names were deleted", {{"blobs", *collected}});
  }
  const double seconds = absl::ToDoubleSeconds(options_.interval);
  const auto bytes =
      static_cast<uint64_t>(static_cast<double>(options_.scrub_bytes_per_second) * seconds);
  if (const auto scrubbed = scrubber_.Turn(bytes); !scrubbed.ok()) {
    log_.Error("blobs were not scrubbed", {{"error", scrubbed.status().ToString()}});
  }
}

void BlobMaintenance::Loop() {
  std::unique_lock lock(mutex_);
  const auto interval = absl::ToChronoMilliseconds(options_.interval);
  while (!wake_.wait_for(lock, interval, [this] { return stopping_; })) {
    lock.unlock();
    Turn();
    lock.lock();
  }
}

}  // namespace vico::server
