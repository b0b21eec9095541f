// Reads files for uploads and writes files atomically.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

namespace vico::client {

struct LocalFile {
  std::filesystem::path path;
  std::uint64_t size_bytes = 0;
  std::string sha256;
};

/// Reads the file once. kInvalidArgument that names the path if it is missing, not regular or not
/// readable.
absl::StatusOr<LocalFile> Describe(const std::filesystem::path& path);

/// Passes the bytes to `take` in pieces of at most `piece_bytes`. Stops and returns OK when `take`
/// returns false. kInvalidArgument as above.
absl::Status ReadPieces(const std::filesystem::path& path, std::size_t piece_bytes,
                        const std::function<bool(std::string&&)>& take);

/// A file that is written under a temporary name beside its final path until Commit().
class AtomicFile {
 public:
  /// Creates missing folders. kInvalidArgument that names the path if it cannot be written.
  static absl::StatusOr<AtomicFile> Create(const std::filesystem::path& path);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();  ///< removes the temporary file unless it is committed

  /// kResourceExhausted if the disk is full, kInternal for other errors.
  absl::Status Write(std::string_view bytes);
  /// Syncs the file and renames it to its final path, replacing an older file.
  absl::Status Commit();

 private:
  AtomicFile(std::filesystem::path path, std::filesystem::path temporary, int descriptor);

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

/// A folder that the destructor removes.
class TemporaryFolder {
 public:
  /// Creates it in the temporary folder of the system. kResourceExhausted or kInternal.
  static absl::StatusOr<TemporaryFolder> Create();
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder();

  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

/// Writes a whole file atomically: Create, Write, Commit.
absl::Status WriteAtomically(const std::filesystem::path& path, std::string_view bytes);

}  // namespace vico::client
