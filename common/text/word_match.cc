#include "common/text/word_match.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include <utf8proc.h>

namespace vico {
namespace {

constexpr char32_t kBadByte = 0xFFFD;
constexpr char32_t kZeroWidthSpace = 0x200B;

struct Character {
  char32_t code = kBadByte;  ///< kBadByte: a byte that is not UTF-8
  size_t bytes = 1;
};

/// The first character of a text that is not empty.
Character First(std::string_view text) {
  utf8proc_int32_t code = 0;
  const auto used = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                     static_cast<utf8proc_ssize_t>(text.size()), &code);
  if (used <= 0) return {};
  return {static_cast<char32_t>(code), static_cast<size_t>(used)};
}

/// The last character of a text that is not empty.
Character Last(std::string_view text) {
  for (size_t length = std::min<size_t>(4, text.size()); length > 0; --length) {
    const Character found = First(text.substr(text.size() - length));
    if (found.bytes == length) return found;
  }
  return {};
}

utf8proc_category_t CategoryOf(char32_t c) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(c));
}

bool IsMark(char32_t c) {
  const auto category = CategoryOf(c);
  return category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME;
}

bool IsInvisible(char32_t c) {
  return CategoryOf(c) == UTF8PROC_CATEGORY_CF && c != kZeroWidthSpace;
}

/// Whether words of the character's script touch each other.
bool IsWrittenWithoutSpaces(char32_t c) {
  static constexpr std::array<std::array<char32_t, 2>, 12> kRanges = {{
      {0x0E00, 0x0EFF},   // Thai, Lao
      {0x1000, 0x109F},   // Burmese
      {0x1780, 0x17FF},   // Khmer
      {0x3005, 0x3007},   // marks of repetition, the ideographic zero
      {0x3040, 0x30FF},   // Hiragana, Katakana
      {0x31F0, 0x31FF},   // Katakana
      {0x3400, 0x4DBF},   // ideographs
      {0x4E00, 0x9FFF},   // ideographs
      {0xAA60, 0xAA7F},   // Burmese
      {0xF900, 0xFAFF},   // ideographs
      {0xFF66, 0xFF9F},   // Katakana of half width
      {0x20000, 0x3FFFF}  // ideographs
  }};
  return std::any_of(kRanges.begin(), kRanges.end(),
                     [c](const auto& range) { return c >= range[0] && c <= range[1]; });
}

bool IsLetterOrDigit(char32_t c) {
  const auto category = CategoryOf(c);
  const bool letter = category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
  const bool number = category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO;
  return (letter || number) && !IsWrittenWithoutSpaces(c);
}

/// Korean particles follow a word of any script without a space.
bool IsHangul(char32_t c) {
  return (c >= 0x1100 && c <= 0x11FF) || (c >= 0x3130 && c <= 0x318F) ||
         (c >= 0xAC00 && c <= 0xD7AF);
}

bool EndsInsideWord(std::string_view before) {
  bool marked = false;
  while (!before.empty()) {
    const Character c = Last(before);
    // A mark belongs to the character before it.
    if (!IsMark(c.code) && !IsInvisible(c.code)) return IsLetterOrDigit(c.code);
    marked = marked || IsMark(c.code);
    before.remove_suffix(c.bytes);
  }
  return marked;
}

bool BeginsInsideWord(std::string_view after) {
  while (!after.empty()) {
    const Character c = First(after);
    if (!IsInvisible(c.code)) {
      return IsMark(c.code) || (IsLetterOrDigit(c.code) && !IsHangul(c.code));
    }
    after.remove_prefix(c.bytes);
  }
  return false;
}

}  // namespace

size_t FindWord(std::string_view text, std::string_view word, size_t from) {
  if (word.empty()) return std::string_view::npos;
  for (size_t at = text.find(word, from); at != std::string_view::npos;
       at = text.find(word, at + 1)) {
    if (!EndsInsideWord(text.substr(0, at)) && !BeginsInsideWord(text.substr(at + word.size()))) {
      return at;
    }
  }
  return std::string_view::npos;
}

}  // namespace vico
