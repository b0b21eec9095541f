// Interface of the file operations on durable data. Tests implement it to fill the disk, fail a
// write or cut the power at any operation.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace vico::server {

/// The error of the last system call of this thread, by errno; see Files.
absl::Status FileError(std::string_view doing);

/// A new file. Closed by its destructor. One thread at a time.
class WritableFile {
 public:
  virtual ~WritableFile() = default;
  virtual absl::Status Append(std::string_view bytes) = 0;
  virtual absl::Status Sync() = 0;
};

class ReadableFile {
 public:
  virtual ~ReadableFile() = default;
  virtual uint64_t size_bytes() const = 0;
  virtual absl::StatusOr<std::string> Read(uint64_t offset, uint64_t length) = 0;
};

/// Any thread. Errors: kNotFound, kAlreadyExists, kResourceExhausted (reason DISK_FULL) for a full
/// disk or quota, kUnavailable for the rest. Messages contain no path, since clients may see them.
class Files {
 public:
  virtual ~Files() = default;

  /// kAlreadyExists when the file exists.
  virtual absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) = 0;
  virtual absl::StatusOr<std::unique_ptr<ReadableFile>> Open(const std::string& path) = 0;
  virtual absl::StatusOr<uint64_t> Size(const std::string& path) = 0;
  virtual absl::Status Rename(const std::string& from, const std::string& to) = 0;
  virtual absl::Status Remove(const std::string& path) = 0;

  /// OK also when the folder exists. The parent must exist.
  virtual absl::Status MakeFolder(const std::string& path) = 0;

  /// Makes the names in a folder durable.
  virtual absl::Status SyncFolder(const std::string& path) = 0;
};

class PosixFiles final : public Files {
 public:
  absl::StatusOr<std::unique_ptr<WritableFile>> Create(const std::string& path) override;
  absl::StatusOr<std::unique_ptr<ReadableFile>> Open(const std::string& path) override;
  absl::StatusOr<uint64_t> Size(const std::string& path) override;
  absl::Status Rename(const std::string& from, const std::string& to) override;
  absl::Status Remove(const std::string& path) override;
  absl::Status MakeFolder(const std::string& path) override;
  absl::Status SyncFolder(const std::string& path) override;
};

}  // namespace vico::server
