// Writes a decoder's rows into the upright picture, as 8-bit BGR.
#pragma once

#include <cstddef>
#include <cstdint>

#include "server/pictures/decoder/decode.h"

namespace vico::server {

class Canvas {
 public:
  /// Resizes `pixels`, which must outlive it, to the upright size. Throws std::bad_alloc.
  Canvas(const DecodeJob& job, Pixels& pixels);

  uint32_t width() const { return width_; }    ///< pixels of a row, as stored
  uint32_t height() const { return height_; }  ///< rows, as stored

  /// Writes row `y` as stored, from the top: `width()` pixels of `channels` samples of 8 bits:
  /// grey, BGR or BGRA.
  void PutRow(uint32_t y, const uint8_t* samples, int channels);
  /// The same for samples of 16 bits, in the host's byte order.
  void PutDeepRow(uint32_t y, const uint16_t* samples, int channels);
  /// The same for cyan, magenta, yellow and black, inverted as Adobe stores them.
  void PutCmykRow(uint32_t y, const uint8_t* samples);

 private:
  template <class Convert>
  void PutPixels(uint32_t y, const Convert& convert);

  const uint32_t width_;
  const uint32_t height_;
  const int orientation_;
  Pixels& pixels_;
};

/// Decode one format each. Errors and warnings of the library are kDamaged. May throw
/// std::bad_alloc.
DecodeOutcome DecodePng(std::string_view file, Canvas& canvas);
DecodeOutcome DecodeJpeg(std::string_view file, Canvas& canvas);

}  // namespace vico::server
