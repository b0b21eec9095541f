#include "server/disk/scratch_file.h"

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "common/ids.h"
#include "common/status.h"
#include "server/disk/files.h"

namespace vico::server {
namespace {

/// O_TMPFILE where the file system has it; otherwise a file that loses its name at once.
int OpenNameless(const std::string& folder) {
  int fd = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) return fd;
  const std::string path = fmt::format("{}/{}", folder, NewId());
  fd = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd >= 0) unlink(path.c_str());
  return fd;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ScratchFile>> ScratchFile::Create(const std::string& folder) {
  const int fd = OpenNameless(folder);
  if (fd < 0) return FileError("create");
  return std::unique_ptr<ScratchFile>(new ScratchFile(fd));
}

ScratchFile::~ScratchFile() { close(fd_); }

absl::Status ScratchFile::Append(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return FileError("write");
    bytes.remove_prefix(static_cast<size_t>(written));
    size_bytes_ += static_cast<uint64_t>(written);
  }
  return absl::OkStatus();
}

absl::StatusOr<size_t> ScratchFile::Read(uint64_t offset, char* into, size_t room) const {
  while (true) {
    const ssize_t got = pread(fd_, into, room, static_cast<off_t>(offset));
    if (got >= 0) return static_cast<size_t>(got);
    if (errno != EINTR) return FileError("read");
  }
}

std::string ScratchFile::Path() const { return fmt::format("/proc/self/fd/{}", fd_); }

}  // namespace vico::server
