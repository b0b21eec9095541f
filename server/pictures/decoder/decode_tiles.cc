// Decodes the tiles of a HEIC or AVIF and puts them together. Source of the matrices: ITU-T H.273.
#include <algorithm>
#include <cstring>
#include <vector>

#include "server/pictures/decoder/canvas.h"
#include "server/pictures/decoder/colour.h"
#include "server/pictures/decoder/planes.h"
#include "server/pictures/decoder/tiles.h"

namespace vico::server {
namespace {

uint8_t Level(float value) {
  return static_cast<uint8_t>(std::clamp(255 * value + 0.5F, 0.0F, 255.0F));
}

/// Converts Y, Cb and Cr to BGR.
template <bool kDeep>
class Matrix {
 public:
  Matrix(const TiledPicture& picture, const Planes& planes)
      : planes_(planes),
        number_(picture.matrix == TiledPicture::kFromBitstream ? planes.matrix : picture.matrix) {
    const bool full = picture.full_range == TiledPicture::kFromBitstream ? planes.full_range
                                                                         : picture.full_range != 0;
    const auto unit = static_cast<float>(1 << (planes.bits - 8));
    const auto last = static_cast<float>((1 << planes.bits) - 1);
    zero_ = full ? 0 : 16 * unit;
    middle_ = static_cast<float>(1 << (planes.bits - 1));
    luma_ = 1 / (full ? last : 219 * unit);
    chroma_ = 2 / (full ? last : 224 * unit);
    if (number_ == 1) {
      red_ = 0.2126F;
      blue_ = 0.0722F;
    } else if (number_ == 9) {
      red_ = 0.2627F;
      blue_ = 0.0593F;
    }
  }

  float Luma(uint32_t x, uint32_t y) const { return ToOne(0, x, y); }

  void Convert(uint32_t x, uint32_t y, uint8_t* bgr) const {
    const float luma = Luma(x, y);
    if (planes_.grey) {
      std::memset(bgr, Level(luma), 3);
      return;
    }
    constexpr uint32_t kIdentity = 0;  // the planes are green, blue and red
    if (number_ == kIdentity) {
      bgr[0] = Level(ToOne(1, x, y));
      bgr[1] = Level(luma);
      bgr[2] = Level(ToOne(2, x, y));
      return;
    }
    const float b = luma + (1 - blue_) * Chroma(1, x, y);
    const float r = luma + (1 - red_) * Chroma(2, x, y);
    bgr[0] = Level(b);
    bgr[1] = Level((luma - red_ * r - blue_ * b) / (1 - red_ - blue_));
    bgr[2] = Level(r);
  }

 private:
  float ToOne(int plane, uint32_t x, uint32_t y) const {
    return (static_cast<float>(planes_.template Sample<kDeep>(plane, x, y)) - zero_) * luma_;
  }
  float Chroma(int plane, uint32_t x, uint32_t y) const {
    return (static_cast<float>(planes_.template Sample<kDeep>(plane, x, y)) - middle_) * chroma_;
  }

  const Planes& planes_;
  const uint32_t number_;
  float zero_ = 0, middle_ = 0, luma_ = 1, chroma_ = 1;
  float red_ = 0.299F, blue_ = 0.114F;  // ITU-R BT.601, also of what is not specified
};

/// The whole picture as stored, before it is shrunk: BGR, or BGRA.
class Sheet final : public PlanesSink {
 public:
  Sheet(const TiledPicture& picture, uint32_t width, uint32_t height)
      : picture_(picture),
        width_(width),
        height_(height),
        channels_(picture.alpha.tiles.empty() ? 3 : 4),
        pixels_(size_t{width} * height * channels_) {}

  void Next(uint32_t tile, bool alpha) {
    column_ = tile % picture_.columns;
    row_ = tile / picture_.columns;
    alpha_ = alpha;
  }

  /// All tiles have the size of the first. Those at the right and the bottom may be cut.
  bool Put(const Planes& planes) override {
    if (planes.width == 0 || planes.height == 0 || planes.bits < 8 || planes.bits > 16)
      return false;
    if (tile_width_ == 0) {
      tile_width_ = planes.width;
      tile_height_ = planes.height;
      if (uint64_t{tile_width_} * picture_.columns < width_ ||
          uint64_t{tile_height_} * picture_.rows < height_) {
        return false;
      }
    }
    if (planes.width != tile_width_ || planes.height != tile_height_) return false;
    planes.bits > 8 ? Paint<true>(planes) : Paint<false>(planes);
    return true;
  }

  size_t channels() const { return channels_; }
  const uint8_t* Row(uint32_t y) const { return pixels_.data() + size_t{y} * width_ * channels_; }

 private:
  template <bool kDeep>
  void Paint(const Planes& planes) {
    const uint64_t left = uint64_t{column_} * tile_width_, top = uint64_t{row_} * tile_height_;
    const Matrix<kDeep> matrix(picture_, planes);
    for (uint32_t y = 0; y < planes.height && top + y < height_; ++y) {
      for (uint32_t x = 0; x < planes.width && left + x < width_; ++x) {
        uint8_t* const to = pixels_.data() + ((top + y) * width_ + left + x) * channels_;
        if (alpha_) {
          to[3] = Level(matrix.Luma(x, y));
        } else {
          matrix.Convert(x, y, to);
        }
      }
    }
  }

  const TiledPicture& picture_;
  const uint32_t width_;
  const uint32_t height_;
  const size_t channels_;
  std::vector<uint8_t> pixels_;
  uint32_t tile_width_ = 0, tile_height_ = 0;
  uint32_t column_ = 0, row_ = 0;
  bool alpha_ = false;
};

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

/// The mean of each square of pixels.
void Shrink(const Sheet& sheet, const DecodeJob& job, uint32_t y, std::vector<uint8_t>& row) {
  const size_t channels = sheet.channels();
  for (uint32_t x = 0; x < Shrunk(job.width, job.shrink); ++x) {
    const uint32_t right = std::min((x + 1) * job.shrink, job.width);
    const uint32_t bottom = std::min((y + 1) * job.shrink, job.height);
    for (size_t c = 0; c < channels; ++c) {
      uint32_t sum = 0, count = 0;
      for (uint32_t from_y = y * job.shrink; from_y < bottom; ++from_y) {
        for (uint32_t from_x = x * job.shrink; from_x < right; ++from_x, ++count) {
          sum += sheet.Row(from_y)[from_x * channels + c];
        }
      }
      row[x * channels + c] = static_cast<uint8_t>((sum + count / 2) / count);
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
  Sheet sheet(picture, job.width, job.height);
  // Encoders fill the last tiles up.
  const uint64_t max_pixels = uint64_t{2} * job.width * job.height + (1 << 20);
  for (const bool alpha : {false, true}) {
    const DecodeOutcome outcome = DecodeLayer(picture, alpha ? picture.alpha : picture.colour,
                                              alpha, max_pixels, sheet, canvas.notes());
    if (outcome != DecodeOutcome::kDecoded) return outcome;
  }
  const Samples samples = sheet.channels() == 4 ? Samples::kBgra : Samples::kBgr;
  ColourConverter colours(job, samples, false, canvas.notes());
  std::vector<uint8_t> row(canvas.width() * sheet.channels()), bgr(size_t{canvas.width()} * 3);
  for (uint32_t y = 0; y < canvas.height(); ++y) {
    if (job.shrink > 1) Shrink(sheet, job, y, row);
    colours.Convert(job.shrink > 1 ? row.data() : sheet.Row(y), canvas.width(), bgr.data());
    canvas.PutRow(y, bgr.data());
  }
  return DecodeOutcome::kDecoded;
}

}  // namespace vico::server
