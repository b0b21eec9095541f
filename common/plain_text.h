// Text from outside that people and other programs read: whether it is plain, and a form of it that
// is safe to show. Plain text is UTF-8 without control characters (C0, DEL, C1, line and paragraph
// separators) and without Unicode's bidirectional controls, which make text read as other text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace vico {

enum class LineEnds { kRefused, kAllowed };

/// Most bytes of an error's message or a warning.
inline constexpr size_t kMaxMessageBytes = 1024;

/// Plain text of at most `max_bytes`. Bytes that are no UTF-8 become U+FFFD; characters that are
/// not plain become escapes, as \n, \u{1b} and \u{202e}. A longer text ends after a whole character
/// or escape. Plain text stays as it is.
std::string PlainText(std::string_view text, size_t max_bytes = kMaxMessageBytes);

/// What is not plain in `text`, for example "U+202E"; empty if nothing is. `line_ends` says whether
/// line feeds, carriage returns and tabs are allowed.
std::string FindNotPlain(std::string_view text, LineEnds line_ends = LineEnds::kRefused);

/// A name of a file for people: not plain and invalid characters become '_', and the name has at
/// most `max_characters`.
std::string PlainName(std::string_view name, size_t max_characters);

/// Number of characters (code points). A byte that is no UTF-8 counts as one.
size_t CountCharacters(std::string_view text);

/// Whether a reader sees nothing: only white space, control and format characters, or no text.
bool IsBlank(std::string_view text);

}  // namespace vico
