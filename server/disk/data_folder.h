// The folder with a server's durable state: the database and the blobs. One server at a time.
#pragma once

#include <memory>
#include <string>

#include <absl/status/statusor.h>

namespace vico::server {

class DataFolder {
 public:
  /// Creates the folder (for its owner only) if it is missing, and locks it until the destructor.
  /// kFailedPrecondition, reason DATA_FOLDER_IN_USE, when another process has locked it;
  /// kFailedPrecondition for a network file system, whose locks and syncs are not reliable.
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
  // Descriptor of the locked file.
  const int lock_;
};

}  // namespace vico::server
