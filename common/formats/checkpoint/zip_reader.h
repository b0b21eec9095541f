// The zip container as torch.save writes it, read strictly: members stored, one after the other,
// from the first byte to the directory, and the directory to the last. Format: PKWARE APPNOTE 6.3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

namespace vico {

/// Points into the archive.
struct ZipMember {
  std::string_view name;
  std::span<const std::byte> bytes;
  uint32_t crc32 = 0;  ///< as the archive has it; not compared with the bytes yet
};

/// The members, ascending by name. Reads the directory and the members' headers, not their bytes.
/// kInvalidArgument naming the member: compressed or encrypted, a name twice, a local header that
/// differs from the directory's entry, members that overlap or leave a hole, bytes before the first
/// or after the last, more than `most_members`. zip64 is read.
absl::StatusOr<std::vector<ZipMember>> ReadZip(std::span<const std::byte> archive,
                                               size_t most_members);

}  // namespace vico
