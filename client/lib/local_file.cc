#include "client/lib/local_file.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/crypto/sha256.h"
#include "common/status.h"

namespace vico::client {
namespace {

constexpr std::size_t kPieceBytes = 1 << 20;
constexpr std::size_t kProbeBytes = 64 << 10;

absl::Status Unusable(const std::filesystem::path& path, std::string_view why) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", path.string(), why));
}

absl::Status WriteError(const std::filesystem::path& path, int error) {
  const auto code = error == ENOSPC || error == EDQUOT || error == EFBIG
                        ? absl::StatusCode::kResourceExhausted
                        : absl::StatusCode::kInternal;
  return absl::Status(code, fmt::format("{}: {}", path.string(), std::strerror(error)));
}

/// An error of the system when a file or folder is created.
absl::Status CannotCreate(const std::filesystem::path& path, int error) {
  if (error == ENOSPC || error == EDQUOT) return WriteError(path, error);
  return Unusable(path, fmt::format("cannot be written: {}", std::strerror(error)));
}

absl::Status CreateFolder(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) return absl::OkStatus();
  if (std::filesystem::exists(folder, error)) return Unusable(folder, "is a file, not a folder");
  std::filesystem::create_directories(folder, error);
  std::error_code ignored;
  // With a slash at the end the folder is created, and an error is reported too.
  if (error && !std::filesystem::is_directory(folder, ignored)) {
    return CannotCreate(folder, error.value());
  }
  return absl::OkStatus();
}

/// rename() that fails with EEXIST instead of replacing a file.
int RenameToFree(const char* from, const char* to) {
  if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
  // Network file systems may not have this flag: take the name with an empty file of our own.
  if (errno != EINVAL && errno != ENOSYS) return -1;
  const int taken = open(to, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (taken < 0) return -1;
  close(taken);
  return rename(from, to);
}

/// The folders of the path that do not exist, the innermost first.
std::vector<std::filesystem::path> MissingFolders(std::filesystem::path folder) {
  std::vector<std::filesystem::path> missing;
  std::error_code error;
  while (!folder.empty() && !std::filesystem::exists(folder, error)) {
    missing.push_back(folder);
    if (folder == folder.parent_path()) break;
    folder = folder.parent_path();
  }
  return missing;
}

/// Fills a file in the folder, and removes it: a full disk lets files be created but not filled.
absl::Status Probe(const std::filesystem::path& folder) {
  ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(folder / "probe"));
  const absl::Status written = file.Write(std::string(kProbeBytes, '\0'));
  return written.ok() ? written : WriteError(folder, errno);
}

}  // namespace

absl::Status ReadPieces(const std::filesystem::path& path, std::size_t piece_bytes,
                        const std::function<bool(std::string&&)>& take) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) return Unusable(path, "no such file");
  if (error) return Unusable(path, error.message());
  if (std::filesystem::is_directory(status)) return Unusable(path, "is a folder, not a file");
  if (!std::filesystem::is_regular_file(status)) return Unusable(path, "is not a regular file");
  std::ifstream in(path, std::ios::binary);
  if (!in) return Unusable(path, std::strerror(errno));
  while (in) {
    std::string piece(piece_bytes, '\0');
    in.read(piece.data(), static_cast<std::streamsize>(piece.size()));
    piece.resize(static_cast<std::size_t>(in.gcount()));
    if (in.bad()) return Unusable(path, "cannot be read");
    if (!piece.empty() && !take(std::move(piece))) break;
  }
  return absl::OkStatus();
}

absl::StatusOr<LocalFile> Describe(const std::filesystem::path& path) {
  LocalFile file;
  file.path = path;
  Sha256 digest;
  RETURN_IF_ERROR(ReadPieces(path, kPieceBytes, [&](std::string&& piece) {
    digest.Update(piece);
    file.size_bytes += piece.size();
    return true;
  }));
  file.sha256 = digest.HexDigest();
  return file;
}

absl::StatusOr<AtomicFile> AtomicFile::Create(const std::filesystem::path& path) {
  if (!path.has_filename()) return Unusable(path, "is a folder, not a file");
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  RETURN_IF_ERROR(CreateFolder(folder));
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return Unusable(path, "is a folder, not a file");
  // Not the name of the file with an ending: it may be as long as a name can be.
  std::string name = (folder / ".vico.XXXXXX").string();
  const int descriptor = mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0) return CannotCreate(folder, errno);
  return AtomicFile(path, name, descriptor);
}

AtomicFile::AtomicFile(std::filesystem::path path, std::filesystem::path temporary, int descriptor)
    : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(descriptor) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  unlink(temporary_.c_str());
}

absl::Status AtomicFile::Write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return WriteError(path_, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return absl::OkStatus();
}

absl::Status AtomicFile::Commit(Existing existing) {
  // mkostemp gives access to the owner only; apply the user's umask instead.
  const mode_t mask = umask(0);
  umask(mask);
  if (fchmod(descriptor_, 0666 & ~mask) != 0 || fsync(descriptor_) != 0) {
    return WriteError(path_, errno);
  }
  const int renamed = existing == Existing::kReplace
                          ? rename(temporary_.c_str(), path_.c_str())
                          : RenameToFree(temporary_.c_str(), path_.c_str());
  if (renamed != 0 && errno == EEXIST) return AlreadyThere(path_);
  if (renamed != 0) return WriteError(path_, errno);
  close(std::exchange(descriptor_, -1));
  return absl::OkStatus();
}

absl::StatusOr<TemporaryFolder> TemporaryFolder::Create() {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::temp_directory_path(error);
  if (error) return absl::InternalError(error.message());
  std::string name = (parent / "vico.XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) return WriteError(parent, errno);
  return TemporaryFolder(name);
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

absl::Status WriteAtomically(const std::filesystem::path& path, std::string_view bytes,
                             Existing existing) {
  ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  RETURN_IF_ERROR(file.Write(bytes));
  return file.Commit(existing);
}

bool HasBytes(const std::filesystem::path& path, std::string_view bytes) {
  std::error_code error;
  if (std::filesystem::file_size(path, error) != bytes.size() || error) return false;
  std::string_view rest = bytes;
  const absl::Status read = ReadPieces(path, kPieceBytes, [&](std::string&& piece) {
    const bool same = rest.starts_with(piece);
    if (same) rest.remove_prefix(piece.size());
    return same;
  });
  return read.ok() && rest.empty();
}

absl::Status CheckWritable(const std::filesystem::path& folder) {
  const std::vector<std::filesystem::path> missing = MissingFolders(folder);
  absl::Status probed = Probe(folder);
  std::error_code ignored;
  for (const std::filesystem::path& created : missing) std::filesystem::remove(created, ignored);
  return probed;
}

absl::StatusOr<bool> IsThere(const std::filesystem::path& path, const std::string& sha256) {
  std::error_code error;
  const auto kind = std::filesystem::symlink_status(path, error).type();
  if (kind == std::filesystem::file_type::not_found) return false;
  const absl::StatusOr<LocalFile> file = Describe(path);
  if (!file.ok() || file->sha256 != sha256) return AlreadyThere(path);
  return true;
}

absl::Status AlreadyThere(const std::filesystem::path& path) {
  return absl::AlreadyExistsError(fmt::format("{}: is there already", path.string()));
}

}  // namespace vico::client
