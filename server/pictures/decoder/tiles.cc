#include "server/pictures/decoder/tiles.h"

namespace vico::server {
namespace {

void Put(std::string& bytes, uint64_t value) {
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(value >> shift & 0xff);
}

void Put(std::string& bytes, std::string_view block) {
  Put(bytes, uint64_t{block.size()});
  bytes += block;
}

void Put(std::string& bytes, const TileLayer& layer) {
  Put(bytes, layer.config);
  Put(bytes, uint64_t{layer.tiles.size()});
  for (const std::string_view tile : layer.tiles) Put(bytes, tile);
}

bool Take(std::string_view& bytes, uint32_t& value) {
  if (bytes.size() < 4) return false;
  value = 0;
  for (size_t i = 4; i > 0; --i) value = value << 8 | static_cast<unsigned char>(bytes[i - 1]);
  bytes.remove_prefix(4);
  return true;
}

bool Take(std::string_view& bytes, std::string_view& block) {
  uint32_t size = 0;
  if (!Take(bytes, size) || size > bytes.size()) return false;
  block = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return true;
}

bool Take(std::string_view& bytes, TileLayer& layer) {
  uint32_t count = 0;
  if (!Take(bytes, layer.config) || !Take(bytes, count) || count > kMaxTiles) return false;
  layer.tiles.resize(count);
  for (std::string_view& tile : layer.tiles) {
    if (!Take(bytes, tile)) return false;
  }
  return true;
}

}  // namespace

std::string ToBytes(const TiledPicture& picture) {
  std::string bytes(kTilesMagic);
  for (const uint32_t number : {static_cast<uint32_t>(picture.codec), picture.columns, picture.rows,
                                picture.matrix, picture.full_range, picture.premultiplied}) {
    Put(bytes, uint64_t{number});
  }
  Put(bytes, picture.colour);
  Put(bytes, picture.alpha);
  return bytes;
}

bool FromBytes(std::string_view bytes, TiledPicture& picture) {
  if (!bytes.starts_with(kTilesMagic)) return false;
  bytes.remove_prefix(kTilesMagic.size());
  uint32_t codec = 0;
  if (!Take(bytes, codec) || codec > static_cast<uint32_t>(TileCodec::kLast)) return false;
  picture.codec = static_cast<TileCodec>(codec);
  if (!Take(bytes, picture.columns) || !Take(bytes, picture.rows) || !Take(bytes, picture.matrix) ||
      !Take(bytes, picture.full_range) || !Take(bytes, picture.premultiplied) ||
      !Take(bytes, picture.colour) || !Take(bytes, picture.alpha) || !bytes.empty()) {
    return false;
  }
  const uint64_t tiles = uint64_t{picture.columns} * picture.rows;
  const size_t alpha_tiles = picture.alpha.tiles.size();
  return tiles >= 1 && picture.colour.tiles.size() == tiles &&
         (alpha_tiles == 0 || alpha_tiles == tiles);
}

}  // namespace vico::server
