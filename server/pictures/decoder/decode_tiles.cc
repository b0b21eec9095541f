// Decodes the tiles of a HEIC or AVIF.
#include <vector>

#include "server/pictures/decoder/canvas.h"
#include "server/pictures/decoder/colour.h"
#include "server/pictures/decoder/planes.h"
#include "server/pictures/decoder/sheet.h"
#include "server/pictures/decoder/tiles.h"

namespace vico::server {
namespace {

DecodeOutcome DecodeLayer(const TiledPicture& picture, const TileLayer& layer, bool alpha,
                          uint64_t max_pixels, Sheet& sheet, DecodeNotes& notes) {
  const auto decode = picture.codec == TileCodec::kHevc ? DecodeHevcTile : DecodeAv1Tile;
  for (uint32_t tile = 0; tile < layer.tiles.size(); ++tile) {
    sheet.Next(tile, alpha);
    const DecodeOutcome outcome = decode(layer.config, layer.tiles[tile], max_pixels, sheet);
    if (outcome == DecodeOutcome::kDecoded) continue;
    notes.damage = Damage::kWrongCode;
    notes.scan = tile + 1;
    return outcome;
  }
  return DecodeOutcome::kDecoded;
}

}  // namespace

DecodeOutcome DecodeTiles(const DecodeJob& job, Canvas& canvas) {
  TiledPicture picture;
  if (!FromBytes(job.file, picture)) {
    canvas.notes().damage = Damage::kBadHeader;
    return DecodeOutcome::kDamaged;
  }
  Sheet sheet(picture, job);
  // Encoders fill the last tiles up.
  const uint64_t max_pixels = uint64_t{2} * job.width * job.height + (1 << 20);
  for (const bool alpha : {false, true}) {
    const DecodeOutcome outcome = DecodeLayer(picture, alpha ? picture.alpha : picture.colour,
                                              alpha, max_pixels, sheet, canvas.notes());
    if (outcome != DecodeOutcome::kDecoded) return outcome;
  }
  const Samples samples = sheet.channels() == 4 ? Samples::kBgra : Samples::kBgr;
  ColourConverter colours(job, samples, false, canvas.notes());
  std::vector<uint8_t> bgr(size_t{canvas.width()} * 3);
  for (uint32_t y = 0; y < canvas.height(); ++y) {
    colours.Convert(sheet.Row(y), canvas.width(), bgr.data());
    canvas.PutRow(y, bgr.data());
  }
  return DecodeOutcome::kDecoded;
}

}  // namespace vico::server
