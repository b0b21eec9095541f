#include "worker/io/file.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <vector>

#include <fmt/format.h>

#include "common/crypto/sha256.h"
#include "common/formats/file_signature.h"

namespace vico::worker {

absl::StatusOr<std::string> ReadSmallFile(const std::string& path, size_t max_bytes) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(fmt::format("{}: {}", path, std::strerror(errno)));
  std::string bytes(max_bytes + 1, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<size_t>(file.gcount()));
  if (file.bad()) return absl::DataLossError(fmt::format("{}: cannot be read", path));
  if (bytes.size() > max_bytes) {
    return absl::InvalidArgumentError(fmt::format("{}: at most {} bytes allowed", path, max_bytes));
  }
  // A repository was cloned without its files, or a page was saved in place of the file.
  const FileType* type = FindFileType(bytes);
  if (type != nullptr &&
      (type->name.starts_with("a Git LFS pointer") || type->name.starts_with("a web page"))) {
    return absl::InvalidArgumentError(fmt::format("{}: is {}; {}", path, type->name, type->advice));
  }
  return bytes;
}

absl::Status WriteSmallFile(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) return absl::FailedPreconditionError(fmt::format("{}: cannot be written", path));
  return absl::OkStatus();
}

absl::StatusOr<std::string> FileSha256(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(fmt::format("{}: {}", path, std::strerror(errno)));
  Sha256 hash;
  std::vector<char> buffer(1 << 20);
  while (file.read(buffer.data(), static_cast<std::streamsize>(buffer.size())), file.gcount() > 0) {
    hash.Update({buffer.data(), static_cast<size_t>(file.gcount())});
  }
  if (file.bad()) return absl::DataLossError(fmt::format("{}: cannot be read", path));
  return hash.HexDigest();
}

}  // namespace vico::worker
