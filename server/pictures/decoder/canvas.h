// Writes a decoder's rows into the upright picture.
#pragma once

#include <cstddef>
#include <cstdint>

#include "server/pictures/decoder/decode.h"

namespace vico::server {

class Canvas {
 public:
  /// Resizes `pixels`, which must outlive it, to the upright size. Throws std::bad_alloc.
  Canvas(const DecodeJob& job, Pixels& pixels);

  uint32_t width() const { return width_; }    ///< pixels of a row, as stored but shrunk
  uint32_t height() const { return height_; }  ///< rows, as stored but shrunk
  DecodeNotes& notes() { return pixels_.notes; }

  /// Writes row `y` as stored, from the top: `width()` pixels of 8-bit BGR.
  void PutRow(uint32_t y, const uint8_t* bgr);

 private:
  const uint32_t width_;
  const uint32_t height_;
  const int orientation_;
  Pixels& pixels_;
};

/// Decode one format each. May throw std::bad_alloc.
DecodeOutcome DecodePng(const DecodeJob& job, Canvas& canvas);
DecodeOutcome DecodeJpeg(const DecodeJob& job, Canvas& canvas);
DecodeOutcome DecodeWebp(const DecodeJob& job, Canvas& canvas);
/// HEIC and AVIF.
DecodeOutcome DecodeTiles(const DecodeJob& job, Canvas& canvas);

}  // namespace vico::server
