// Text for a font that has the characters of ASCII only.
#pragma once

#include <string>
#include <string_view>

namespace vico::client {

struct AsciiText {
  std::string text;
  bool complete = true;  ///< no character became '?'
};

/// Accents are left out, and forms of a letter, quotes and dashes become those of ASCII: "café …"
/// is "cafe ...". Every other character becomes '?'. Bytes that are not UTF-8 do so, too.
AsciiText ToAscii(std::string_view text);

}  // namespace vico::client
