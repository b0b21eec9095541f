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

absl::Status Unusable(const std::string& path, std::string_view what) {
  return absl::FailedPreconditionError(
      fmt::format("data folder {}: {}: {}", path, what, std::strerror(errno)));
}

absl::Status InUse(const std::string& path) {
  return Error(absl::StatusCode::kFailedPrecondition,
               fmt::format("data folder {}: another server is using it", path),
               "DATA_FOLDER_IN_USE");
}

/// The folder and the database in it, which an older version or another program may have left open
/// to others. New files get their modes from the process's umask.
absl::Status CloseToOthers(const std::string& path) {
  // EPERM: the folder belongs to another user, as the top folder of a volume may. Its owner decides
  // who enters it.
  if (chmod(path.c_str(), 0700) != 0 && errno != EPERM) {
    return Unusable(path, "cannot be closed to other users");
  }
  const std::string database = DataFolder::DatabasePathIn(path);
  for (const char* suffix : {"", "-wal", "-shm"}) {
    if (chmod((database + suffix).c_str(), 0600) != 0 && errno != ENOENT) {
      return Unusable(path, "its database cannot be closed to other users");
    }
  }
  return absl::OkStatus();
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
  std::unique_ptr<DataFolder> folder(new DataFolder(path));
  RETURN_IF_ERROR(folder->Lock());
  RETURN_IF_ERROR(CloseToOthers(path));
  std::filesystem::create_directory(folder->BlobPath(), error);
  PosixFiles files;
  RETURN_IF_ERROR(files.SyncFolder(path));
  RETURN_IF_ERROR(files.SyncFolder(path + "/.."));
  return folder;
}

absl::Status DataFolder::Lock() {
  lock_ = open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ < 0) return Unusable(path_, "cannot be opened");
  if (flock(lock_, LOCK_EX | LOCK_NB) != 0) return InUse(path_);
  // A server of version 0.1 that still runs, as during an upgrade.
  old_lock_ = open((path_ + "/lock").c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (old_lock_ >= 0 && flock(old_lock_, LOCK_EX | LOCK_NB) != 0) return InUse(path_);
  return absl::OkStatus();
}

DataFolder::~DataFolder() {
  if (old_lock_ >= 0) close(old_lock_);
  if (lock_ >= 0) close(lock_);
}

}  // namespace vico::server
