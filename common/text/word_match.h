// Finds a word in a text where it stands alone, not inside another word. The learned word of an
// adapter is looked for with this in prompts and wherever else it matters.
// Source: the word boundaries of Unicode (UAX 29), simplified.
#pragma once

#include <cstddef>
#include <string_view>

namespace vico {

/// The first byte of `word` in `text`, at or after `from`; npos if it does not stand alone
/// anywhere, and for an empty word. It stands alone if no letter, digit or combining mark touches
/// it. A letter of a script that is written without spaces (Chinese, Japanese, Thai, Lao, Khmer,
/// Burmese) does not count, because such words touch each other. Invisible format characters, such
/// as the soft hyphen, are looked through; the zero-width space separates. Case-sensitive. Accepts
/// any bytes.
size_t FindWord(std::string_view text, std::string_view word, size_t from = 0);

}  // namespace vico
