// Reads all blobs once a day and quarantines those whose bytes do not match their digest.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/crypto/sha256.h"
#include "common/log.h"
#include "server/blobs/blob_parts.h"
#include "server/blobs/blob_rows.h"

namespace vico::server {

/// One thread at a time. After a restart it continues after the last blob that was read to its end.
class Scrubber {
 public:
  /// `interval`: between the starts of two rounds. What `parts` refers to must outlive it.
  Scrubber(const BlobParts& parts, Log log, absl::Duration interval)
      : parts_(parts), log_(std::move(log)), interval_(interval) {}

  /// Reads at most `bytes` and one chunk more; returns the number of quarantined blobs. A damaged
  /// blob loses its row, so it is never served, and its users are logged. An upload of the right
  /// bytes repairs it.
  absl::StatusOr<int> Turn(uint64_t bytes);

  /// Whether this round has ended and the next has not begun.
  bool resting() const { return resting_; }

 private:
  struct Current {
    BlobRow row;
    std::unique_ptr<ObjectReader> reader;
    Sha256 hash;
    uint64_t offset = 0;
  };

  absl::Status Load();
  absl::Status SavePosition();
  absl::StatusOr<bool> OpenNext();
  absl::Status Skip(const absl::Status& why);
  absl::StatusOr<bool> Judge(bool intact);

  const BlobParts parts_;
  const Log log_;
  const absl::Duration interval_;
  bool loaded_ = false;
  bool resting_ = false;
  absl::Time began_;
  // Of the last blob read.
  std::string tenant_;
  std::string sha256_;
  std::unique_ptr<Current> current_;
};

}  // namespace vico::server
