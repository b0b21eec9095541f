// The folder with a server's durable state: the database and the blobs. One server at a time.
#pragma once

#include <memory>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace vico::server {

class DataFolder {
 public:
  /// Creates the folder if it is missing, closes it and its database to everyone but its owner, and
  /// locks it until the destructor. The lock is on the folder itself, so no deletion of a file in
  /// it lets a second server in. kFailedPrecondition, reason DATA_FOLDER_IN_USE, when another
  /// process has locked it; kFailedPrecondition for a network file system, whose locks and syncs
  /// are not reliable.
  static absl::StatusOr<std::unique_ptr<DataFolder>> Open(const std::string& path);
  ~DataFolder();
  DataFolder(const DataFolder&) = delete;
  DataFolder& operator=(const DataFolder&) = delete;

  static std::string DatabasePathIn(const std::string& path) { return path + "/vico.db"; }
  std::string DatabasePath() const { return DatabasePathIn(path_); }
  std::string BlobPath() const { return path_ + "/blobs"; }
  std::string ScratchPath() const { return path_ + "/scratch"; }

 private:
  explicit DataFolder(std::string path) : path_(std::move(path)) {}
  absl::Status Lock();

  const std::string path_;
  // Descriptor of the locked folder.
  int lock_ = -1;
  // Descriptor of the file that servers of version 0.1 lock; -1 where there is none.
  int old_lock_ = -1;
};

}  // namespace vico::server
