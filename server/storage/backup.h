// Backup of a data folder, with or without a running server, and restore.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "server/disk/files.h"

namespace vico::server {

/// How a backup gets its blobs.
enum class BackupWay {
  kCopy,  ///< own files; where the file system has clones, they share blocks until one is changed
  kLink,  ///< hard links where possible: the same bytes under two names
};

/// A blob that a backup or a restored folder does not have, though something references it.
struct LostInBackup {
  std::string tenant;
  std::string sha256;
  bool damaged = false;            ///< otherwise missing
  std::vector<std::string> users;  ///< resources that reference it
};

struct BackupSummary {
  int blobs = 0;
  int linked = 0;  ///< of these, hard links to the data folder's files
  uint64_t bytes = 0;
  std::vector<LostInBackup> lost;  ///< not empty: the result is partial
};

/// Puts one state of the database and all its blobs into the folder `to`, which must be new or
/// empty. Checks the database and every blob's digest in the backup, and writes backup.json last,
/// which marks the backup as complete. A referenced blob that is damaged or missing is left out and
/// reported. kFailedPrecondition when `data` is not a data folder or `to` is not empty, kDataLoss
/// when the database is damaged.
absl::StatusOr<BackupSummary> BackUp(const std::string& data, const std::string& to, Files& files,
                                     BackupWay way = BackupWay::kCopy);

/// Copies a backup's database and its undamaged blobs into the folder `data` and checks them; the
/// others are reported. `data` must be new or empty (kFailedPrecondition). kDataLoss when the
/// backup's database is damaged; `data` is then empty.
absl::StatusOr<BackupSummary> Restore(const std::string& from, const std::string& data,
                                      Files& files);

}  // namespace vico::server
