// Reads all blobs once a day and sets those aside whose bytes are not their digest's any more.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/log.h"
#include "common/sha256.h"
#include "server/blobs/blob_rows.h"
#include "server/blobs/blob_store_local.h"
#include "server/sql/database.h"
#include "server/jobs/steady_time.h"

namespace vico::server {

/// One thread at a time. A restart goes on with the blob after the last one read whole.
class Scrubber {
 public:
  /// `interval`: from the beginning of one round to that of the next. The references must outlive
  /// it.
  Scrubber(Database& database, LocalBlobStore& files, const SteadyTime& time, Log log,
           absl::Duration interval)
      : database_(database),
        files_(files),
        time_(time),
        log_(std::move(log)),
        interval_(interval) {}

  /// Reads at most `bytes` (and a chunk) further; returns how many blobs were set aside. A bad one
  /// is moved to the quarantine folder and has no row any more: it is never served, whoever names
  /// it is logged, and an upload of the right bytes mends it.
  absl::StatusOr<int> Turn(uint64_t bytes);

  /// Whether this round has read everything; nothing is done before the next.
  bool resting() const { return resting_; }

 private:
  struct Current {
    BlobRow row;
    std::unique_ptr<BlobReader> reader;
    Sha256 hash;
    uint64_t offset = 0;
  };

  absl::Status Load();
  absl::Status SavePosition();
  absl::StatusOr<bool> OpenNext();
  absl::StatusOr<bool> Judge(bool intact);

  Database& database_;
  LocalBlobStore& files_;
  const SteadyTime& time_;
  const Log log_;
  const absl::Duration interval_;
  bool loaded_ = false;
  bool resting_ = false;
  absl::Time began_;
  std::string tenant_;  // of the last blob read
  std::string sha256_;
  std::unique_ptr<Current> current_;
};

}  // namespace vico::server
