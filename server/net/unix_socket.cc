#include "server/net/unix_socket.h"

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/status.h"

namespace vico::server {
namespace {

constexpr std::string_view kPath = "unix:";
constexpr std::string_view kAbstract = "unix-abstract:";
constexpr size_t kMostBytes = sizeof(sockaddr_un::sun_path) - 1;
constexpr const char* kInUse = "another program listens there";

absl::Status Refused(std::string_view address, std::string_view why) {
  return absl::UnavailableError(fmt::format("cannot listen on {}: {}", address, why));
}

struct UnixName {
  sockaddr_un address{};
  socklen_t size = 0;
};

/// A path, or a name after a zero byte.
UnixName NameOf(std::string_view bytes) {
  UnixName name;
  name.address.sun_family = AF_UNIX;
  std::memcpy(name.address.sun_path, bytes.data(), bytes.size());
  const bool path = !bytes.empty() && bytes.front() != '\0';
  name.size =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + bytes.size() + (path ? 1 : 0));
  return name;
}

Descriptor NewSocket() {
  return Descriptor(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

std::string_view KindOf(mode_t mode) {
  if (S_ISREG(mode)) return "a regular file";
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISLNK(mode)) return "a symbolic link";
  if (S_ISFIFO(mode)) return "a pipe";
  return "a device";
}

/// Removes a socket that nobody listens on. Errors say what else is there.
absl::Status RemoveStale(const std::string& path) {
  const std::string address = fmt::format("{}{}", kPath, path);
  struct stat found {};
  if (lstat(path.c_str(), &found) != 0) {
    return errno == ENOENT ? absl::OkStatus() : Refused(address, std::strerror(errno));
  }
  if (!S_ISSOCK(found.st_mode)) {
    return Refused(address, fmt::format("{} is there, and the server replaces only sockets",
                                        KindOf(found.st_mode)));
  }
  const Descriptor probe = NewSocket();
  const UnixName name = NameOf(path);
  if (!probe) return Refused(address, std::strerror(errno));
  if (connect(probe.number(), reinterpret_cast<const sockaddr*>(&name.address), name.size) == 0) {
    return Refused(address, kInUse);
  }
  switch (errno) {
    case ECONNREFUSED:
      break;
    case EAGAIN:      // its queue is full
    case EPROTOTYPE:  // it is of another type
      return Refused(address, kInUse);
    default:
      return Refused(address, std::strerror(errno));
  }
  if (unlink(path.c_str()) == 0 || errno == ENOENT) return absl::OkStatus();
  return Refused(address, std::strerror(errno));
}

/// Whether `file` is the one at `path`.
bool IsAt(const std::string& path, const Descriptor& file) {
  struct stat opened {};
  struct stat there {};
  return fstat(file.number(), &opened) == 0 && lstat(path.c_str(), &there) == 0 &&
         opened.st_ino == there.st_ino && opened.st_dev == there.st_dev;
}

/// The lock of a path; empty on failure, with the reason in errno. EWOULDBLOCK: another has it.
Descriptor Lock(const std::string& path) {
  while (true) {
    Descriptor lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock || flock(lock.number(), LOCK_EX | LOCK_NB) != 0) {
      const int why = errno;
      lock.Close();
      errno = why;
      return lock;
    }
    // The previous owner may have removed the file between the two calls.
    if (IsAt(path, lock)) return lock;
  }
}

absl::StatusOr<Descriptor> Listen(const std::string& address, std::string_view name_bytes) {
  Descriptor made = NewSocket();
  const UnixName name = NameOf(name_bytes);
  if (made &&
      bind(made.number(), reinterpret_cast<const sockaddr*>(&name.address), name.size) == 0 &&
      listen(made.number(), SOMAXCONN) == 0) {
    return made;
  }
  return Refused(address, errno == EADDRINUSE ? kInUse : std::strerror(errno));
}

}  // namespace

bool IsUnixAddress(const std::string& address) {
  return address.starts_with(kPath) || address.starts_with(kAbstract);
}

absl::StatusOr<std::unique_ptr<UnixSocketFile>> UnixSocketFile::Claim(const std::string& path) {
  Descriptor lock = Lock(path + ".lock");
  if (!lock) {
    if (errno == EWOULDBLOCK) return Refused(fmt::format("{}{}", kPath, path), kInUse);
    return Refused(fmt::format("{}{}", kPath, path),
                   fmt::format("{}.lock: {}", path, std::strerror(errno)));
  }
  std::unique_ptr<UnixSocketFile> file(new UnixSocketFile(path, std::move(lock)));
  if (absl::Status removed = RemoveStale(path); !removed.ok()) return removed;
  return file;
}

void UnixSocketFile::Made() {
  struct stat made {};
  if (lstat(path_.c_str(), &made) != 0) return;
  device_ = made.st_dev;
  inode_ = made.st_ino;
}

UnixSocketFile::~UnixSocketFile() {
  struct stat found {};
  if (inode_ != 0 && lstat(path_.c_str(), &found) == 0 && found.st_ino == inode_ &&
      found.st_dev == device_) {
    unlink(path_.c_str());
  }
  const std::string lock = path_ + ".lock";
  if (IsAt(lock, lock_)) unlink(lock.c_str());
}

absl::StatusOr<UnixSocket> OpenUnixSocket(const std::string& address) {
  UnixSocket made;
  const bool abstract = address.starts_with(kAbstract);
  std::string name = address.substr(abstract ? kAbstract.size() : kPath.size());
  if (name.starts_with("///") && !abstract) name.erase(0, 2);
  if (name.empty()) return Refused(address, "it has no name");
  if (name.find('\0') != std::string::npos) return Refused(address, "it holds a zero byte");
  if (name.size() > kMostBytes) {
    return Refused(address, fmt::format("the {} of a Unix socket has at most {} bytes, got {}",
                                        abstract ? "name" : "path", kMostBytes, name.size()));
  }
  if (abstract) {
    ASSIGN_OR_RETURN(made.socket, Listen(address, '\0' + name));
    return made;
  }
  ASSIGN_OR_RETURN(made.file, UnixSocketFile::Claim(name));
  ASSIGN_OR_RETURN(made.socket, Listen(address, name));
  made.file->Made();
  return made;
}

}  // namespace vico::server
