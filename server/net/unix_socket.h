// A listening Unix socket that one program has to itself: a second server is refused, the socket of
// a server that ended without removing it is replaced.
#pragma once

#include <memory>
#include <string>

#include <absl/status/statusor.h>
#include <sys/types.h>

#include "server/gate/descriptor.h"

namespace vico::server {

/// Removes a socket file at the end, unless the file at the path is no longer the one it made.
class UnixSocketFile {
 public:
  /// Takes the path for this program: locks PATH.lock, checks that only a socket without a listener
  /// is there, and removes it. kUnavailable that names the path and what is there.
  static absl::StatusOr<std::unique_ptr<UnixSocketFile>> Claim(const std::string& path);
  ~UnixSocketFile();
  UnixSocketFile(const UnixSocketFile&) = delete;
  UnixSocketFile& operator=(const UnixSocketFile&) = delete;

  /// The socket file now exists.
  void Made();

 private:
  UnixSocketFile(std::string path, Descriptor lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}

  const std::string path_;
  Descriptor lock_;
  dev_t device_ = 0;
  ino_t inode_ = 0;  // 0: not made
};

struct UnixSocket {
  std::unique_ptr<UnixSocketFile> file;  ///< null for an abstract name
  Descriptor socket;                     ///< listens, non-blocking
};

/// Listens at unix:path, unix:///path or unix-abstract:name. kUnavailable when it cannot, with the
/// reason in words.
absl::StatusOr<UnixSocket> OpenUnixSocket(const std::string& address);

bool IsUnixAddress(const std::string& address);

}  // namespace vico::server
