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

/// What happens to an older file at the path of a new one.
enum class Existing { kKeep, kReplace };

/// A file that is written under a temporary name beside its final path until Commit().
class AtomicFile {
 public:
  /// Creates missing folders. kInvalidArgument that names the path if it cannot be written, and if
  /// its last part is longer than the file system allows.
  static absl::StatusOr<AtomicFile> Create(const std::filesystem::path& path);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();  ///< removes the temporary file unless it is committed

  /// kResourceExhausted if the disk is full, kInternal for other errors.
  absl::Status Write(std::string_view bytes);
  /// Syncs the file and renames it to its final path. kAlreadyExists if there is a file, unless it
  /// is to be replaced; the object can then be committed again.
  absl::Status Commit(Existing existing = Existing::kKeep);

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
absl::Status WriteAtomically(const std::filesystem::path& path, std::string_view bytes,
                             Existing existing = Existing::kKeep);

/// Whether the file exists and has these bytes.
bool HasBytes(const std::filesystem::path& path, std::string_view bytes);

/// Whether files can be created in the folder: creates it if it is missing, writes a file there,
/// and removes what it created. kInvalidArgument that names the folder, or kResourceExhausted if
/// the disk is full.
absl::Status CheckWritable(const std::filesystem::path& folder);

/// Whether the file with this digest is there; false if nothing is. kAlreadyExists for another
/// file.
absl::StatusOr<bool> IsThere(const std::filesystem::path& path, const std::string& sha256);

/// kAlreadyExists that names the file.
absl::Status AlreadyThere(const std::filesystem::path& path);

}  // namespace vico::client
