// Puts the decoded tiles of a HEIC or AVIF together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "server/pictures/decoder/decode.h"
#include "server/pictures/decoder/planes.h"
#include "server/pictures/decoder/tiles.h"

namespace vico::server {

/// The picture as stored but shrunk: BGR, or BGRA if it has an alpha layer.
class Sheet final : public PlanesSink {
 public:
  /// `picture` must outlive it. Throws std::bad_alloc.
  Sheet(const TiledPicture& picture, const DecodeJob& job);

  /// The next planes are those of this tile.
  void Next(uint32_t tile, bool alpha);

  /// All tiles have the size of the first. Those at the right and the bottom are cut.
  bool Put(const Planes& planes) override;

  size_t channels() const { return channels_; }
  /// Valid until the next call. `y` counts shrunk rows.
  const uint8_t* Row(uint32_t y);

 private:
  template <bool kDeep>
  void Paint(const Planes& planes);

  const TiledPicture& picture_;
  const uint32_t width_;   // before shrinking
  const uint32_t height_;  // before shrinking
  const uint32_t shrink_;
  const uint32_t row_width_;  // after it
  const size_t channels_;
  std::vector<uint8_t> pixels_;  // if nothing is shrunk, else one row
  std::vector<uint16_t> sums_;   // of up to 64 pixels each, if something is
  uint32_t tile_width_ = 0, tile_height_ = 0;
  uint32_t column_ = 0, row_ = 0;
  bool alpha_ = false;
};

}  // namespace vico::server
