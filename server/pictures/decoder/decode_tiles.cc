// Decodes the tiles of a HEIC or AVIF.
#include <algorithm>
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

/// Divides the colours of BGRA by alpha.
void Unmultiply(std::vector<uint8_t>& row) {
  for (size_t at = 0; at + 4 <= row.size(); at += 4) {
    const int alpha = row[at + 3];
    for (size_t c = at; alpha > 0 && c < at + 3; ++c) {
      row[c] = static_cast<uint8_t>(std::min(255, (row[c] * 255 + alpha / 2) / alpha));
    }
  }
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
  std::vector<uint8_t> bgr(size_t{canvas.width()} * 3), unmultiplied;
  for (uint32_t y = 0; y < canvas.height(); ++y) {
    const uint8_t* row = sheet.Row(y);
    if (samples == Samples::kBgra && picture.premultiplied != 0) {
      unmultiplied.assign(row, row + size_t{canvas.width()} * 4);
      Unmultiply(unmultiplied);
      row = unmultiplied.data();
    }
    colours.Convert(row, canvas.width(), bgr.data());
    canvas.PutRow(y, bgr.data());
  }
  return DecodeOutcome::kDecoded;
}

}  // namespace vico::server
