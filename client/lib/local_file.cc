#include "client/lib/local_file.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/sha256.h"
#include "common/status.h"

namespace vico::client {
namespace {

constexpr std::size_t kPieceBytes = 1 << 20;

absl::Status Unusable(const std::filesystem::path& path, std::string_view why) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", path.string(), why));
}

absl::Status WriteError(const std::filesystem::path& path, int error) {
  const auto code = error == ENOSPC || error == EDQUOT || error == EFBIG
                        ? absl::StatusCode::kResourceExhausted
                        : absl::StatusCode::kInternal;
  return absl::Status(code, fmt::format("{}: {}", path.string(), std::strerror(error)));
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
  std::error_code error;
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  std::filesystem::create_directories(folder, error);
  if (error) return Unusable(folder, error.message());
  if (std::filesystem::is_directory(path, error)) return Unusable(path, "is a folder, not a file");
  std::string name = (folder / ("." + path.filename().string() + ".XXXXXX")).string();
  const int descriptor = mkostemp(name.data(), O_CLOEXEC);
  if (descriptor < 0) return Unusable(folder, std::strerror(errno));
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

absl::Status AtomicFile::Commit() {
  // mkostemp gives access to the owner only; apply the user's umask instead.
  const mode_t mask = umask(0);
  umask(mask);
  if (fchmod(descriptor_, 0666 & ~mask) != 0 || fsync(descriptor_) != 0 ||
      rename(temporary_.c_str(), path_.c_str()) != 0) {
    return WriteError(path_, errno);
  }
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

absl::Status WriteAtomically(const std::filesystem::path& path, std::string_view bytes) {
  ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  RETURN_IF_ERROR(file.Write(bytes));
  return file.Commit();
}

}  // namespace vico::client
