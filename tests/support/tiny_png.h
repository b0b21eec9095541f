// PNG files of one pixel, which differ in a text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/formats/png_text.h"

namespace vico {

/// The PNG's text with this keyword; empty without one.
inline std::string TextIn(std::string_view png, std::string_view keyword) {
  const auto texts = ReadPngText(png);
  for (const PngText& text : texts.ok() ? *texts : std::vector<PngText>()) {
    if (text.keyword == keyword) return text.text;
  }
  return "";
}

/// The text of a TinyPng(), whatever else was added.
inline std::string NoteOf(std::string_view png) { return TextIn(png, "note"); }

inline std::string TinyPng(std::string_view note) {
  constexpr std::string_view kPixel(
      "\x89PNG\r\n\x1a\n"
      "\0\0\0\x0dIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0\x3a\x7e\x9b\x55"
      "\0\0\0\x0aIDAT\x78\xda\x63\xa8\x07\0\0\x81\0\x80\x7e\x1c\x29\xc7"
      "\0\0\0\0IEND\xae\x42\x60\x82",
      67);
  return *AddPngText(kPixel, std::vector<PngText>{{"note", std::string(note)}});
}

}  // namespace vico
