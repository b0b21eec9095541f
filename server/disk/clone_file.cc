#include "server/disk/clone_file.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/status.h"

namespace vico::server {
namespace {

absl::Status CloneError(std::string_view doing) {
  const std::string message = fmt::format("file: {}: {}", doing, std::strerror(errno));
  return errno == ENOENT ? absl::NotFoundError(message) : absl::UnavailableError(message);
}

}  // namespace

absl::StatusOr<bool> CloneFile(const std::string& from, const std::string& to) {
  const int source = open(from.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  if (source < 0) return CloneError("open");
  const int target = open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (target < 0) {
    const absl::Status error = CloneError("create");
    close(source);
    return error;
  }
  absl::StatusOr<bool> cloned = ioctl(target, FICLONE, source) == 0;
  if (*cloned && fsync(target) != 0) cloned = CloneError("sync");
  if (!cloned.ok() || !*cloned) unlink(to.c_str());
  close(target);
  close(source);
  return cloned;
}

}  // namespace vico::server
