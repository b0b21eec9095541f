// Reads the few facts of EXIF that change how a picture looks. Sources: TIFF 6.0, CIPA DC-008
// (EXIF), CIPA DC-009 (R03 marks Adobe RGB).
#pragma once

#include <string_view>

namespace vico::server {

struct ExifFacts {
  int orientation = 0;     ///< 1..8; 0: none, or not valid
  bool adobe_rgb = false;  ///< the colours are Adobe RGB
};

/// The facts of a TIFF block, with or without "Exif\0\0" before it. What is malformed counts as
/// absent.
ExifFacts ReadExif(std::string_view block);

/// Adds what a later block of the same file says. The first valid orientation counts.
void Merge(const ExifFacts& later, ExifFacts& facts);

}  // namespace vico::server
