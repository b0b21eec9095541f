// How the scan of a HEIC or AVIF hands its coded pictures to the decoder: the container is left
// out.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace vico::server {

enum class TileCodec : uint32_t { kHevc = 0, kAv1 = 1, kLast = kAv1 };

/// A picture in tiles, row by row. One tile is a picture by itself.
struct TileLayer {
  std::string_view config;  ///< the content of hvcC or av1C
  std::vector<std::string_view> tiles;
};

struct TiledPicture {
  TileCodec codec = TileCodec::kHevc;
  uint32_t columns = 1;
  uint32_t rows = 1;
  /// Of ITU-T H.273; kFromBitstream when the container has none.
  uint32_t matrix = kFromBitstream;
  uint32_t full_range = kFromBitstream;
  uint32_t premultiplied = 0;  ///< 1: the colours are multiplied by alpha
  TileLayer colour;
  TileLayer alpha;  ///< without tiles: opaque

  static constexpr uint32_t kFromBitstream = 0xffff;
};

inline constexpr std::string_view kTilesMagic = "VTL1";
inline constexpr uint32_t kMaxTiles = 1024;

std::string ToBytes(const TiledPicture& picture);

/// False for bytes that ToBytes() does not make. The views point into `bytes`.
bool FromBytes(std::string_view bytes, TiledPicture& picture);

}  // namespace vico::server
