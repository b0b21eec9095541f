#include "server/pictures/decoder/canvas.h"

#include <cstring>

namespace vico::server {
namespace {

bool LiesOnItsSide(int orientation) { return orientation >= 5 && orientation <= 8; }

}  // namespace

Canvas::Canvas(const DecodeJob& job, Pixels& pixels)
    : width_(Shrunk(job.width, job.shrink)),
      height_(Shrunk(job.height, job.shrink)),
      orientation_(job.orientation),
      pixels_(pixels) {
  const bool turned = LiesOnItsSide(orientation_);
  pixels.width = static_cast<int>(turned ? height_ : width_);
  pixels.height = static_cast<int>(turned ? width_ : height_);
  pixels.bgr.resize(size_t{3} * width_ * height_);
}

/// The pixels of a stored row lie in a row or a column of the upright picture, in either direction.
void Canvas::PutRow(uint32_t y, const uint8_t* bgr) {
  const ptrdiff_t row = ptrdiff_t{3} * pixels_.width;
  const ptrdiff_t last_x = ptrdiff_t{width_} - 1;
  const ptrdiff_t up = ptrdiff_t{height_} - 1 - ptrdiff_t{y};  // rows below this one
  ptrdiff_t at = row * y;
  ptrdiff_t step = 3;
  switch (orientation_) {
    case 2:
      at = row * y + 3 * last_x;
      step = -3;
      break;
    case 3:
      at = row * up + 3 * last_x;
      step = -3;
      break;
    case 4:
      at = row * up;
      break;
    case 5:
      at = ptrdiff_t{3} * y;
      step = row;
      break;
    case 6:
      at = 3 * up;
      step = row;
      break;
    case 7:
      at = 3 * up + row * last_x;
      step = -row;
      break;
    case 8:
      at = ptrdiff_t{3} * y + row * last_x;
      step = -row;
      break;
    default:
      break;
  }
  for (uint32_t x = 0; x < width_; ++x, at += step, bgr += 3) {
    std::memcpy(pixels_.bgr.data() + at, bgr, 3);
  }
}

}  // namespace vico::server
