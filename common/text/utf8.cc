#include "common/text/utf8.h"

#include <algorithm>

#include <utf8proc.h>

#include "common/status.h"

namespace vico {
namespace {

constexpr utf8proc_int32_t kNotUtf8 = -1;

/// Takes the first character off `rest`, which is not empty, and returns its code point.
utf8proc_int32_t TakeCodePoint(std::string_view& rest) {
  utf8proc_int32_t code = kNotUtf8;
  const auto used = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(rest.data()),
                                     static_cast<utf8proc_ssize_t>(rest.size()), &code);
  rest.remove_prefix(static_cast<std::size_t>(std::max<utf8proc_ssize_t>(used, 1)));
  return used < 1 ? kNotUtf8 : code;
}

std::size_t WidthOf(utf8proc_int32_t code) {
  return code == kNotUtf8 ? 1 : static_cast<std::size_t>(std::max(utf8proc_charwidth(code), 0));
}

}  // namespace

bool IsUtf8(std::string_view bytes) {
  while (!bytes.empty()) {
    if (TakeCodePoint(bytes) == kNotUtf8) return false;
  }
  return true;
}

std::size_t ColumnsOf(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) columns += WidthOf(TakeCodePoint(text));
  return columns;
}

std::string_view FirstColumns(std::string_view text, std::size_t columns) {
  std::string_view rest = text;
  std::size_t bytes = 0;
  for (std::size_t used = 0; !rest.empty(); bytes = text.size() - rest.size()) {
    used += WidthOf(TakeCodePoint(rest));
    if (used > columns) break;
  }
  return text.substr(0, bytes);
}

absl::StatusOr<std::string_view> TextOf(std::string_view field, std::string_view bytes) {
  using std::string_view_literals::operator""sv;
  if (bytes.starts_with("\xef\xbb\xbf")) return bytes.substr(3);
  // Without a mark, UTF-16 has a zero byte in each character of ASCII.
  const bool marked = bytes.starts_with("\xff\xfe") || bytes.starts_with("\xfe\xff") ||
                      bytes.starts_with("\0\0\xfe\xff"sv);
  if (marked || bytes.substr(0, 4).find('\0') != std::string_view::npos) {
    return FieldError(field, "is in UTF-16 or UTF-32 (\"Unicode\"); save it as UTF-8");
  }
  return bytes;
}

}  // namespace vico
