// Backup of a data folder, with or without a running server, and restore.
#pragma once

#include <cstdint>
#include <string>

#include <absl/status/statusor.h>

#include "server/disk/files.h"

namespace vico::server {

struct BackupSummary {
  int blobs = 0;
  int linked = 0;  ///< of these, hard links to the data folder's files
  uint64_t bytes = 0;
};

/// Copies one state of the database and all its blobs into the folder `to`, which must be new or
/// empty. Checks the database and every blob's digest in the backup, and writes backup.json last,
/// which marks the backup as complete. kFailedPrecondition when `data` is not a data folder or `to`
/// is not empty, kDataLoss when a referenced blob is damaged or missing.
absl::StatusOr<BackupSummary> BackUp(const std::string& data, const std::string& to, Files& files);

/// Copies a backup's database and blobs into the folder `data` and checks them. `data` must be new
/// or empty (kFailedPrecondition). kDataLoss when the backup is damaged; `data` is then empty.
absl::StatusOr<BackupSummary> Restore(const std::string& from, const std::string& data,
                                      Files& files);

}  // namespace vico::server
