// Maps files into memory, read-only.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace vico {

/// `bytes` are valid as long as `owner` or a copy of it lives.
struct MappedBytes {
  std::shared_ptr<const void> owner;
  std::span<const std::byte> bytes;
  bool from_file = false;  ///< mapped, so that its pages can be read again
};

/// kNotFound for a missing file, kInvalidArgument for one that is not regular or shorter than
/// `smallest` bytes. Messages name the expected format with `kind`, for example "a safetensors
/// file". The file must not be truncated while the owner lives.
absl::StatusOr<MappedBytes> MapFile(const std::string& path, size_t smallest,
                                    std::string_view kind);

/// Takes the pages of a part of a mapped file out of memory; the next access reads them again.
/// `part` is not of bytes in memory.
void ReleasePages(std::span<const std::byte> part);

/// Bytes in memory in the same form.
MappedBytes OwnBytes(std::string bytes);

}  // namespace vico
