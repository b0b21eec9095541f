// A file without a name on this machine's disk, for bytes on their way. It is gone when it is
// closed or the process ends.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace vico::server {

/// Append by one thread at a time; Read by any thread afterwards. Errors as Files.
class ScratchFile {
 public:
  /// In the folder `folder`.
  static absl::StatusOr<std::unique_ptr<ScratchFile>> Create(const std::string& folder);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  absl::Status Append(std::string_view bytes);

  /// Up to `room` bytes from `offset` into `into`; 0 at the end.
  absl::StatusOr<size_t> Read(uint64_t offset, char* into, size_t room) const;

  uint64_t size_bytes() const { return size_bytes_; }

  /// A path that opens the file while this object lives, in this process.
  std::string Path() const;

 private:
  explicit ScratchFile(int fd) : fd_(fd) {}

  const int fd_;
  uint64_t size_bytes_ = 0;
};

}  // namespace vico::server
