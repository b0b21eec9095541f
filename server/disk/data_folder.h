// The folder that holds everything a server keeps: the database and the blobs. One server at a
// time.
#pragma once

#include <memory>
#include <string>

#include <absl/status/statusor.h>

namespace vico::server {

class DataFolder {
 public:
  /// Makes the folder (for its owner only) if it is not there, and locks it for as long as this
  /// lives. kFailedPrecondition, reason DATA_FOLDER_IN_USE, when another process has it;
  /// kFailedPrecondition for a network filesystem, whose locks and syncs cannot be relied on.
  static absl::StatusOr<std::unique_ptr<DataFolder>> Open(const std::string& path);
  ~DataFolder();
  DataFolder(const DataFolder&) = delete;
  DataFolder& operator=(const DataFolder&) = delete;

  static std::string DatabasePathIn(const std::string& path) { return path + "/vico.db"; }
  std::string DatabasePath() const { return DatabasePathIn(path_); }
  std::string BlobPath() const { return path_ + "/blobs"; }

 private:
  DataFolder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

  const std::string path_;
  const int lock_;  // descriptor of the locked file
};

}  // namespace vico::server
