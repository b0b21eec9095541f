#include "common/formats/mapped_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace vico {

absl::StatusOr<MappedBytes> MapFile(const std::string& path, size_t smallest,
                                    std::string_view kind) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    const int error = errno;
    const auto message = fmt::format("{}: {}", path, std::strerror(error));
    return error == ENOENT ? absl::NotFoundError(message) : absl::FailedPreconditionError(message);
  }
  struct stat status = {};
  const bool regular = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  const auto size = regular ? static_cast<size_t>(status.st_size) : 0;
  void* mapping = size == 0 ? MAP_FAILED : ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  const int error = errno;
  ::close(fd);
  if (!regular) return absl::InvalidArgumentError(fmt::format("{}: is not a regular file", path));
  if (size < std::max<size_t>(smallest, 1)) {
    if (mapping != MAP_FAILED) ::munmap(mapping, size);
    return absl::InvalidArgumentError(fmt::format("{}: is too short for {}", path, kind));
  }
  if (mapping == MAP_FAILED) {
    return absl::ResourceExhaustedError(fmt::format("{}: {}", path, std::strerror(error)));
  }
  MappedBytes mapped;
  mapped.owner.reset(mapping, [size](const void* p) { ::munmap(const_cast<void*>(p), size); });
  mapped.bytes = {static_cast<const std::byte*>(mapping), size};
  mapped.from_file = true;
  return mapped;
}

void ReleasePages(std::span<const std::byte> part) {
  const auto page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  // The whole pages of the part.
  const size_t before = (page - reinterpret_cast<uintptr_t>(part.data()) % page) % page;
  if (part.size() < before + page) return;
  const std::span<const std::byte> pages =
      part.subspan(before, (part.size() - before) / page * page);
  ::madvise(const_cast<std::byte*>(pages.data()), pages.size(), MADV_DONTNEED);
}

MappedBytes OwnBytes(std::string bytes) {
  const auto owner = std::make_shared<const std::string>(std::move(bytes));
  return {owner, std::as_bytes(std::span(*owner)), false};
}

}  // namespace vico
