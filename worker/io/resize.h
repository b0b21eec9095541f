// Resizes pictures and makes them square, bit for bit as Pillow up to version 12. The authors' code
// resizes training pictures with it. Source: Pillow src/libImaging/Resample.c (8 bits a channel).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace vico::worker {

/// rgb: width * height pixels, row by row, 3 bytes each; all sides at least 1. The filter (a =
/// -0.5) widens with the scale when shrinking. Resizes columns first, then rows, and rounds each to
/// 8 bits. The aspect ratio is not kept.
std::vector<uint8_t> ResizeBicubic(std::span<const uint8_t> rgb, int width, int height,
                                   int new_width, int new_height);

/// The same with the bilinear filter.
std::vector<uint8_t> ResizeBilinear(std::span<const uint8_t> rgb, int width, int height,
                                    int new_width, int new_height);

/// How a picture that is not square becomes square.
enum class Fit {
  kSqueeze,  ///< both sides are scaled, as the authors do
  kCrop,     ///< the centre square is kept
  kPad,      ///< white borders are added
};

/// The same pixels -> side * side pixels. A square picture gives the same bytes whatever the fit.
std::vector<uint8_t> ResizeToSquare(std::span<const uint8_t> rgb, int width, int height, int side,
                                    Fit fit);

}  // namespace vico::worker
