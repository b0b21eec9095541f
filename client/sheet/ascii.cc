#include "client/sheet/ascii.h"

#include <algorithm>
#include <array>
#include <map>
#include <span>

#include <utf8proc.h>

namespace vico::client {
namespace {

constexpr std::size_t kMostParts = 32;  // Unicode decomposes a character into at most 18

// What Unicode does not decompose, though ASCII has something like it.
const std::map<utf8proc_int32_t, std::string_view> kAlike = {
    {0x2018, "'"},  {0x2019, "'"},  {0x201a, "'"},  {0x201c, "\""}, {0x201d, "\""}, {0x201e, "\""},
    {0x00ab, "\""}, {0x00bb, "\""}, {0x2010, "-"},  {0x2012, "-"},  {0x2013, "-"},  {0x2014, "-"},
    {0x2212, "-"},  {0x00d7, "x"},  {0x00df, "ss"}, {0x00e6, "ae"}, {0x00c6, "AE"}, {0x00f8, "o"},
    {0x00d8, "O"},  {0x0142, "l"},  {0x0141, "L"},  {0x0131, "i"},  {0x0153, "oe"}, {0x0152, "OE"}};

bool IsPrintable(utf8proc_int32_t code) { return code >= 0x20 && code < 0x7f; }

/// Adds the character, or nothing for a mark; false if ASCII has nothing like it.
bool Append(utf8proc_int32_t code, std::string& text) {
  if (const auto alike = kAlike.find(code); alike != kAlike.end()) {
    text += alike->second;
    return true;
  }
  constexpr auto kOptions =
      static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_STRIPMARK);
  std::array<utf8proc_int32_t, kMostParts> buffer{};
  int boundary = 0;
  const utf8proc_ssize_t count =
      utf8proc_decompose_char(code, buffer.data(), kMostParts, kOptions, &boundary);
  if (count < 0 || count > static_cast<utf8proc_ssize_t>(kMostParts)) return false;
  const std::span<const utf8proc_int32_t> parts(buffer.data(), static_cast<std::size_t>(count));
  if (!std::all_of(parts.begin(), parts.end(), IsPrintable)) return false;
  for (const utf8proc_int32_t part : parts) text += static_cast<char>(part);
  return true;
}

}  // namespace

AsciiText ToAscii(std::string_view text) {
  AsciiText ascii;
  while (!text.empty()) {
    utf8proc_int32_t code = -1;
    const utf8proc_ssize_t used =
        utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                         static_cast<utf8proc_ssize_t>(text.size()), &code);
    text.remove_prefix(static_cast<std::size_t>(std::max<utf8proc_ssize_t>(used, 1)));
    if (used >= 1 && Append(code, ascii.text)) continue;
    ascii.text += '?';
    ascii.complete = false;
  }
  return ascii;
}

}  // namespace vico::client
