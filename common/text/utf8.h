// Questions about text in UTF-8 that comes from outside; common/plain_text.h makes it safe to show.
#pragma once

#include <cstddef>
#include <string_view>

#include <absl/status/statusor.h>

namespace vico {

/// Whether all bytes are valid UTF-8, as Protobuf requires of strings.
bool IsUtf8(std::string_view bytes);

/// Columns that a terminal needs for the text: characters of East Asia need two, combining marks
/// none. A byte that is not UTF-8 needs one.
std::size_t ColumnsOf(std::string_view text);

/// The longest start of the text that needs at most `columns`.
std::string_view FirstColumns(std::string_view text, std::size_t columns);

/// The text of a file as editors save it, without a byte order mark. kInvalidArgument that names
/// `field` for UTF-16 and UTF-32, which Windows calls Unicode.
absl::StatusOr<std::string_view> TextOf(std::string_view field, std::string_view bytes);

}  // namespace vico
