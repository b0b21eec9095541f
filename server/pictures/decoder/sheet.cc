// Source of the matrices: ITU-T H.273.
#include "server/pictures/decoder/sheet.h"

#include <algorithm>
#include <cstring>

namespace vico::server {
namespace {

uint8_t Level(float value) {
  return static_cast<uint8_t>(std::clamp(255 * value + 0.5F, 0.0F, 255.0F));
}

/// Converts Y, Cb and Cr to BGR.
template <bool kDeep>
class Matrix {
 public:
  Matrix(const TiledPicture& picture, const Planes& planes, bool alpha)
      : planes_(planes),
        number_(picture.matrix == TiledPicture::kFromBitstream ? planes.matrix : picture.matrix) {
    // An alpha channel has the full range, whatever the colours have: AVIF 1.1, section 4.1.
    const bool full =
        alpha || (picture.full_range == TiledPicture::kFromBitstream ? planes.full_range
                                                                     : picture.full_range != 0);
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

}  // namespace

Sheet::Sheet(const TiledPicture& picture, const DecodeJob& job)
    : picture_(picture),
      width_(job.width),
      height_(job.height),
      shrink_(job.shrink),
      row_width_(Shrunk(job.width, job.shrink)),
      channels_(picture.alpha.tiles.empty() ? 3 : 4) {
  const size_t rows = Shrunk(job.height, job.shrink);
  pixels_.resize(row_width_ * channels_ * (shrink_ == 1 ? rows : 1));
  if (shrink_ > 1) sums_.resize(row_width_ * channels_ * rows);
}

void Sheet::Next(uint32_t tile, bool alpha) {
  column_ = tile % picture_.columns;
  row_ = tile / picture_.columns;
  alpha_ = alpha;
}

bool Sheet::Put(const Planes& planes) {
  if (planes.width == 0 || planes.height == 0 || planes.bits < 8 || planes.bits > 16) return false;
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

template <bool kDeep>
void Sheet::Paint(const Planes& planes) {
  const uint64_t left = uint64_t{column_} * tile_width_, top = uint64_t{row_} * tile_height_;
  const Matrix<kDeep> matrix(picture_, planes, alpha_);
  const size_t first = alpha_ ? 3 : 0, end = alpha_ ? 4 : 3;
  uint8_t pixel[4];
  for (uint32_t y = 0; y < planes.height && top + y < height_; ++y) {
    const size_t start = (top + y) / shrink_ * row_width_;
    for (uint32_t x = 0; x < planes.width && left + x < width_; ++x) {
      if (alpha_) {
        pixel[3] = Level(matrix.Luma(x, y));
      } else {
        matrix.Convert(x, y, pixel);
      }
      const size_t at = (start + (left + x) / shrink_) * channels_;
      for (size_t c = first; c < end; ++c) {
        if (shrink_ == 1) {
          pixels_[at + c] = pixel[c];
        } else {
          sums_[at + c] = static_cast<uint16_t>(sums_[at + c] + pixel[c]);
        }
      }
    }
  }
}

const uint8_t* Sheet::Row(uint32_t y) {
  const size_t samples = row_width_ * channels_;
  if (shrink_ == 1) return pixels_.data() + y * samples;
  const uint32_t down = std::min(shrink_, height_ - y * shrink_);
  for (uint32_t x = 0; x < row_width_; ++x) {
    const uint32_t count = down * std::min(shrink_, width_ - x * shrink_);
    for (size_t c = 0; c < channels_; ++c) {
      const size_t at = x * channels_ + c;
      pixels_[at] = static_cast<uint8_t>((sums_[y * samples + at] + count / 2) / count);
    }
  }
  return pixels_.data();
}

}  // namespace vico::server
