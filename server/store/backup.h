// A data folder as a backup, taken while a server may be running on it, and back.
#pragma once

#include <cstdint>
#include <string>

#include <absl/status/statusor.h>

#include "server/disk/files.h"

namespace vico::server {

struct BackupSummary {
  int blobs = 0;
  int linked = 0;  ///< of them: share their file with the data folder, as it is on the same disk
  uint64_t bytes = 0;
};

/// One state of the database and every blob it has, into the folder `to`, which must be new or
/// empty. Every blob's digest is checked in the backup, and so is the database; the mark that says
/// the backup is whole comes last. kFailedPrecondition for a folder that is no data folder or is
/// not empty, kDataLoss when something is damaged or missing that something names.
absl::StatusOr<BackupSummary> BackUp(const std::string& data, const std::string& to, Files& files);

/// A backup's database and blobs, all copied and checked, into the folder `data`, which must be new
/// or empty: kFailedPrecondition. kDataLoss when the backup is damaged; then nothing is left in
/// `data`.
absl::StatusOr<BackupSummary> Restore(const std::string& from, const std::string& data,
                                      Files& files);

}  // namespace vico::server
