#include "common/plain_text.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <utf8proc.h>

namespace vico {
namespace {

struct Character {
  std::string_view bytes;
  utf8proc_int32_t code = -1;  ///< -1: a byte that is no UTF-8
};

/// Takes the first character of `text`, which is not empty.
Character TakeCharacter(std::string_view& text) {
  Character taken;
  const auto used = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                     static_cast<utf8proc_ssize_t>(text.size()), &taken.code);
  const size_t length = used > 0 ? static_cast<size_t>(used) : 1;
  if (used <= 0) taken.code = -1;
  taken.bytes = text.substr(0, length);
  text.remove_prefix(length);
  return taken;
}

bool IsBidiControl(utf8proc_int32_t c) {
  return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

bool IsPlain(utf8proc_int32_t c) {
  if (c < 0) return false;
  const auto category = utf8proc_category(c);
  return category != UTF8PROC_CATEGORY_CC && category != UTF8PROC_CATEGORY_ZL &&
         category != UTF8PROC_CATEGORY_ZP && !IsBidiControl(c);
}

bool IsLineEndOrTab(utf8proc_int32_t c) { return c == '\n' || c == '\r' || c == '\t'; }

std::string Shown(const Character& character) {
  switch (character.code) {
    case -1:
      return "\xEF\xBF\xBD";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return IsPlain(character.code)
                 ? std::string(character.bytes)
                 : fmt::format("\\u{{{:x}}}", static_cast<uint32_t>(character.code));
  }
}

}  // namespace

std::string PlainText(std::string_view text, size_t max_bytes) {
  std::string plain;
  while (!text.empty()) {
    const std::string shown = Shown(TakeCharacter(text));
    if (plain.size() + shown.size() > max_bytes) break;
    plain += shown;
  }
  return plain;
}

std::string FindNotPlain(std::string_view text, LineEnds line_ends) {
  while (!text.empty()) {
    const Character character = TakeCharacter(text);
    if (character.code < 0) return "a byte that is no UTF-8";
    if (IsPlain(character.code)) continue;
    if (line_ends == LineEnds::kAllowed && IsLineEndOrTab(character.code)) continue;
    return fmt::format("U+{:04X}", static_cast<uint32_t>(character.code));
  }
  return "";
}

std::string PlainName(std::string_view name, size_t max_characters) {
  std::string plain;
  for (size_t count = 0; !name.empty() && count < max_characters; ++count) {
    const Character character = TakeCharacter(name);
    plain += IsPlain(character.code) ? character.bytes : "_";
  }
  return plain;
}

size_t CountCharacters(std::string_view text) {
  size_t count = 0;
  for (; !text.empty(); ++count) TakeCharacter(text);
  return count;
}

bool IsBlank(std::string_view text) {
  constexpr std::array kInvisible{UTF8PROC_CATEGORY_CC, UTF8PROC_CATEGORY_CF, UTF8PROC_CATEGORY_ZS,
                                  UTF8PROC_CATEGORY_ZL, UTF8PROC_CATEGORY_ZP};
  while (!text.empty()) {
    const Character character = TakeCharacter(text);
    if (character.code < 0) return false;
    const auto category = utf8proc_category(character.code);
    if (std::find(kInvisible.begin(), kInvisible.end(), category) == kInvisible.end()) return false;
  }
  return true;
}

}  // namespace vico
