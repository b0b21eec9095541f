// The texts of a PNG file: its tEXt and iTXt chunks (PNG, third edition, section 11.3.3).
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

namespace vico {

struct PngText {
  std::string keyword;  ///< 1 to 79 characters of ASCII
  std::string text;     ///< UTF-8

  bool operator==(const PngText&) const = default;
};

// These functions check the signature, the lengths, the order and the checksums of the chunks, not
// the pixels. kInvalidArgument, reason DAMAGED_PNG, if one of them is wrong. Any thread.

/// The file with these texts behind its header: in tEXt if Latin-1 has all characters, else in
/// iTXt. All other chunks stay as they are. kInvalidArgument for a keyword that PNG does not allow,
/// and for a text that is not UTF-8 or has a character U+0000.
absl::StatusOr<std::string> AddPngText(std::string_view png, std::span<const PngText> texts);

/// The texts in the order of the file, without compressed ones.
absl::StatusOr<std::vector<PngText>> ReadPngText(std::string_view png);

/// The file without tEXt, zTXt, iTXt and eXIf chunks. All other chunks stay as they are.
absl::StatusOr<std::string> StripPngText(std::string_view png);

}  // namespace vico
