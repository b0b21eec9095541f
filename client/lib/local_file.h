// Files on the user's disk: what is sent, and what is written back whole or not at all.
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

/// Reads the file once. kInvalidArgument, naming the path, when it is missing, not a regular file
/// or not readable.
absl::StatusOr<LocalFile> Describe(const std::filesystem::path& path);

/// Hands the file's bytes to `take` in pieces of at most `piece_bytes`; stops early, OK, when
/// `take` returns false. kInvalidArgument as above.
absl::Status ReadPieces(const std::filesystem::path& path, std::size_t piece_bytes,
                        const std::function<bool(std::string&&)>& take);

/// A file being written: beside its final place under a temporary name, until Commit.
class AtomicFile {
 public:
  /// Makes the folder where it is missing. kInvalidArgument, naming the path, where it cannot be
  /// written.
  static absl::StatusOr<AtomicFile> Create(const std::filesystem::path& path);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();  ///< removes the temporary file unless committed

  /// kResourceExhausted when the disk is full, kInternal for other errors.
  absl::Status Write(std::string_view bytes);
  /// Durable and in place, replacing an older file of that name.
  absl::Status Commit();

 private:
  AtomicFile(std::filesystem::path path, std::filesystem::path temporary, int descriptor);

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

/// A folder of this program's own, gone with it.
class TemporaryFolder {
 public:
  /// In the system's folder for temporary files. kResourceExhausted or kInternal.
  static absl::StatusOr<TemporaryFolder> Create();
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder();

  const std::filesystem::path& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

/// Create, Write, Commit.
absl::Status WriteWhole(const std::filesystem::path& path, std::string_view bytes);

}  // namespace vico::client
