// A file's bytes without reading it: mapped read-only.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <absl/status/statusor.h>

namespace vico {

/// `bytes` live as long as `owner`, also when this is copied or moved.
struct MappedBytes {
  std::shared_ptr<const void> owner;
  std::span<const std::byte> bytes;
};

/// kNotFound when the file is missing, kInvalidArgument when it is no regular file or shorter than
/// `smallest`; `kind` names what it should be, as "a safetensors file". The file must not be
/// truncated while the owner lives.
absl::StatusOr<MappedBytes> MapFile(const std::string& path, size_t smallest,
                                    std::string_view kind);

/// The same for bytes in memory.
MappedBytes OwnBytes(std::string bytes);

}  // namespace vico
