// One decoded tile: planes of samples, as the decoders of videos give them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "server/pictures/decoder/decode.h"

namespace vico::server {

struct Planes {
  uint32_t width = 0;
  uint32_t height = 0;
  int bits = 8;          ///< of a sample; more than 8 are stored as 16
  bool grey = false;     ///< only the first plane exists
  int chroma_right = 0;  ///< log2 of the pixels that share a sample of colour
  int chroma_down = 0;
  const uint8_t* plane[3] = {};  ///< Y, Cb, Cr
  ptrdiff_t stride[3] = {};      ///< bytes
  uint32_t matrix = 2;           ///< of ITU-T H.273, as the bitstream says
  bool full_range = false;

  /// `kDeep`: more than 8 bits.
  template <bool kDeep>
  int Sample(int index, uint32_t x, uint32_t y) const {
    const int right = index == 0 ? 0 : chroma_right, down = index == 0 ? 0 : chroma_down;
    const uint8_t* const row = plane[index] + stride[index] * static_cast<ptrdiff_t>(y >> down);
    const size_t at = x >> right;
    return kDeep ? row[2 * at] | row[2 * at + 1] << 8 : row[at];
  }
};

/// Takes the planes, which are valid during the call only. Returns false to refuse them.
class PlanesSink {
 public:
  virtual ~PlanesSink() = default;
  virtual bool Put(const Planes& planes) = 0;
};

/// Decode one tile on this thread. A tile has at most `max_pixels`.
DecodeOutcome DecodeHevcTile(std::string_view config, std::string_view tile, uint64_t max_pixels,
                             PlanesSink& sink);
DecodeOutcome DecodeAv1Tile(std::string_view config, std::string_view tile, uint64_t max_pixels,
                            PlanesSink& sink);

/// Does dav1d's first steps, which wake threads that do not exist; before the confinement.
void PrepareAv1();

}  // namespace vico::server
