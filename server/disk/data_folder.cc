#include "server/disk/data_folder.h"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/status.h"
#include "server/disk/files.h"

namespace vico::server {
namespace {

bool IsNetworkFileSystem(const std::string& path) {
  struct statfs info {};
  if (statfs(path.c_str(), &info) != 0) return false;
  switch (static_cast<uint32_t>(info.f_type)) {
    case 0x6969:      // NFS
    case 0x517B:      // SMB
    case 0xFF534D42:  // CIFS
    case 0xFE534D42:  // SMB2
      return true;
    default:
      return false;
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<DataFolder>> DataFolder::Open(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    return absl::FailedPreconditionError(
        fmt::format("data folder {}: cannot be created: {}", path, error.message()));
  }
  if (IsNetworkFileSystem(path)) {
    return absl::FailedPreconditionError(
        fmt::format("data folder {}: is on a network file system; a local one is needed", path));
  }
  chmod(path.c_str(), 0700);
  const int lock = open((path + "/lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) {
    return absl::FailedPreconditionError(
        fmt::format("data folder {}: cannot be written: {}", path, std::strerror(errno)));
  }
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    close(lock);
    return Error(absl::StatusCode::kFailedPrecondition,
                 fmt::format("data folder {}: another server is using it", path),
                 "DATA_FOLDER_IN_USE");
  }
  std::unique_ptr<DataFolder> folder(new DataFolder(path, lock));
  std::filesystem::create_directory(folder->BlobPath(), error);
  PosixFiles files;
  RETURN_IF_ERROR(files.SyncFolder(path));
  RETURN_IF_ERROR(files.SyncFolder(path + "/.."));
  return folder;
}

DataFolder::~DataFolder() { close(lock_); }

}  // namespace vico::server
