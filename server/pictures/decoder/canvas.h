// Where a decoder's rows go: each pixel to its place in the upright picture, as 8-bit BGR.
#pragma once

#include <cstddef>
#include <cstdint>

#include "server/pictures/decoder/decode.h"

namespace vico::server {

class Canvas {
 public:
  /// Gives `pixels`, which must outlive it, the upright size. Throws std::bad_alloc.
  Canvas(const DecodeJob& job, Pixels& pixels);

  uint32_t width() const { return width_; }    ///< pixels of a row, as stored
  uint32_t height() const { return height_; }  ///< rows, as stored

  /// Row `y` as stored, from the top: `width()` pixels of `channels` samples, one of grey, BGR or
  /// BGRA. Samples are 8 bits.
  void PutRow(uint32_t y, const uint8_t* samples, int channels);
  /// Samples are 16 bits, in the machine's order.
  void PutDeepRow(uint32_t y, const uint16_t* samples, int channels);
  /// Samples are cyan, magenta, yellow and black, inverted as Adobe stores them.
  void PutCmykRow(uint32_t y, const uint8_t* samples);

 private:
  template <class Convert>
  void PutPixels(uint32_t y, const Convert& convert);

  const uint32_t width_;
  const uint32_t height_;
  const int orientation_;
  Pixels& pixels_;
};

/// Each decodes its kind; libraries' errors and warnings are kDamaged. May throw std::bad_alloc.
DecodeOutcome DecodePng(std::string_view file, Canvas& canvas);
DecodeOutcome DecodeJpeg(std::string_view file, Canvas& canvas);

}  // namespace vico::server
