// Constants of the zip format that the reader and the writer share. Source: PKWARE's APPNOTE.TXT.
#pragma once

#include <cstddef>
#include <cstdint>

namespace vico::zip {

/// Bytes of a member's local header, without name and extra fields.
inline constexpr size_t kLocalSize = 30;
/// "FB": the extra field by which torch.save aligns the bytes of members.
inline constexpr uint16_t kPaddingField = 0x4246;

}  // namespace vico::zip
