#include "server/pictures/decoder/canvas.h"

namespace vico::server {
namespace {

uint8_t OverWhite(int value, int alpha) {
  return static_cast<uint8_t>((value * alpha + 255 * (255 - alpha) + 127) / 255);
}

uint8_t EightBits(uint8_t sample) { return sample; }
uint8_t EightBits(uint16_t sample) { return static_cast<uint8_t>((sample + 128) / 257); }

template <class Sample>
void Convert(const Sample* sample, int channels, uint8_t* bgr) {
  const int alpha = channels == 4 ? EightBits(sample[3]) : 255;
  for (int c = 0; c < 3; ++c) bgr[c] = OverWhite(EightBits(sample[channels == 1 ? 0 : c]), alpha);
}

bool LiesOnItsSide(int orientation) { return orientation >= 5 && orientation <= 8; }

}  // namespace

Canvas::Canvas(const DecodeJob& job, Pixels& pixels)
    : width_(job.width), height_(job.height), orientation_(job.orientation), pixels_(pixels) {
  const bool turned = LiesOnItsSide(orientation_);
  pixels.width = static_cast<int>(turned ? height_ : width_);
  pixels.height = static_cast<int>(turned ? width_ : height_);
  pixels.bgr.resize(size_t{3} * width_ * height_);
}

/// The pixels of a stored row lie in a row or a column of the upright picture, in either direction.
template <class Convert>
void Canvas::PutPixels(uint32_t y, const Convert& convert) {
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
  for (uint32_t x = 0; x < width_; ++x, at += step) convert(x, pixels_.bgr.data() + at);
}

void Canvas::PutRow(uint32_t y, const uint8_t* samples, int channels) {
  PutPixels(y, [&](uint32_t x, uint8_t* bgr) {
    Convert(samples + size_t{x} * static_cast<size_t>(channels), channels, bgr);
  });
}

void Canvas::PutDeepRow(uint32_t y, const uint16_t* samples, int channels) {
  PutPixels(y, [&](uint32_t x, uint8_t* bgr) {
    Convert(samples + size_t{x} * static_cast<size_t>(channels), channels, bgr);
  });
}

void Canvas::PutCmykRow(uint32_t y, const uint8_t* samples) {
  PutPixels(y, [&](uint32_t x, uint8_t* bgr) {
    const uint8_t* cmyk = samples + size_t{4} * x;
    const int black = cmyk[3];
    for (int c = 0; c < 3; ++c) {
      bgr[2 - c] = static_cast<uint8_t>(black - ((255 - cmyk[c]) * black >> 8));
    }
  });
}

}  // namespace vico::server
