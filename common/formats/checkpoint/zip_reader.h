// A strict reader of zip archives as torch.save writes them: uncompressed members without gaps from
// the first byte to the directory, and the directory up to the last byte. Format: PKWARE
// APPNOTE 6.3.
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
  uint32_t crc32 = 0;  ///< as stored in the archive; not verified yet
};

/// The members, ascending by name. Reads the directory and the local headers, not the members'
/// bytes. zip64 is supported. kInvalidArgument that names the member: it is compressed or
/// encrypted, its name occurs twice, its local header differs from the directory, members overlap
/// or leave a gap, bytes precede the first or follow the last, or there are more than
/// `most_members`.
absl::StatusOr<std::vector<ZipMember>> ReadZip(std::span<const std::byte> archive,
                                               size_t most_members);

}  // namespace vico
