#include "worker/io/resize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace vico::worker {
namespace {

constexpr int kPrecision = 22;  // bits after the point of a weight

double Bicubic(double x) {
  constexpr double a = -0.5;
  x = std::abs(x);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

double Bilinear(double x) { return std::max(1 - std::abs(x), 0.0); }

struct Kernel {
  double (*weight)(double distance);
  double support;  ///< the weight is 0 from this distance on
};
constexpr Kernel kBicubic = {Bicubic, 2};
constexpr Kernel kBilinear = {Bilinear, 1};

/// The inputs of one output position: `weights` for the inputs from `first` on.
struct Window {
  int first = 0;
  std::vector<int32_t> weights;
};

std::vector<Window> Windows(const Kernel& kernel, int in_size, int out_size) {
  const double scale = static_cast<double>(in_size) / out_size;
  const double stretch = std::max(scale, 1.0);
  const double support = kernel.support * stretch;
  std::vector<Window> windows;
  for (int out = 0; out < out_size; ++out) {
    const double center = (out + 0.5) * scale;
    // Cut off towards 0, as Pillow does; not rounded.
    const double begin = center - support + 0.5;
    const double end = center + support + 0.5;
    const int first = std::max(static_cast<int>(begin), 0);
    const int last = std::min(static_cast<int>(end), in_size);
    std::vector<double> weights;
    double sum = 0;
    for (int in = first; in < last; ++in) {
      weights.push_back(kernel.weight((in - center + 0.5) * (1.0 / stretch)));
      sum += weights.back();
    }
    Window window{first, {}};
    for (const double weight : weights) {
      const double fixed = (sum != 0 ? weight / sum : weight) * (1 << kPrecision);
      window.weights.push_back(static_cast<int32_t>(fixed < 0 ? fixed - 0.5 : fixed + 0.5));
    }
    windows.push_back(std::move(window));
  }
  return windows;
}

uint8_t Round(int32_t sum) { return static_cast<uint8_t>(std::clamp(sum >> kPrecision, 0, 255)); }

/// Computes one output pixel; the inputs of the window are `stride` bytes apart.
void Filter(const uint8_t* in, size_t stride, const Window& window, uint8_t* out) {
  for (size_t channel = 0; channel < 3; ++channel) {
    int32_t sum = 1 << (kPrecision - 1);
    const uint8_t* pixel = in + static_cast<size_t>(window.first) * stride + channel;
    for (const int32_t weight : window.weights) {
      sum += *pixel * weight;
      pixel += stride;
    }
    out[channel] = Round(sum);
  }
}

std::vector<uint8_t> Resize(const Kernel& kernel, std::span<const uint8_t> rgb, int width,
                            int height, int new_width, int new_height) {
  const auto columns = Windows(kernel, width, new_width);
  const auto rows = Windows(kernel, height, new_height);
  const size_t in_line = static_cast<size_t>(width) * 3;
  const size_t line = static_cast<size_t>(new_width) * 3;
  std::vector<uint8_t> wide(line * static_cast<size_t>(height));
  for (size_t y = 0; y < static_cast<size_t>(height); ++y) {
    for (size_t x = 0; x < columns.size(); ++x) {
      Filter(rgb.data() + y * in_line, 3, columns[x], &wide[y * line + x * 3]);
    }
  }
  std::vector<uint8_t> result(line * static_cast<size_t>(new_height));
  for (size_t y = 0; y < rows.size(); ++y) {
    for (size_t x = 0; x < columns.size(); ++x) {
      Filter(wide.data() + x * 3, line, rows[y], &result[y * line + x * 3]);
    }
  }
  return result;
}

}  // namespace

std::vector<uint8_t> ResizeBicubic(std::span<const uint8_t> rgb, int width, int height,
                                   int new_width, int new_height) {
  return Resize(kBicubic, rgb, width, height, new_width, new_height);
}

std::vector<uint8_t> ResizeBilinear(std::span<const uint8_t> rgb, int width, int height,
                                    int new_width, int new_height) {
  return Resize(kBilinear, rgb, width, height, new_width, new_height);
}

std::vector<uint8_t> ResizeToSquare(std::span<const uint8_t> rgb, int width, int height, int side,
                                    Fit fit) {
  if (fit == Fit::kSqueeze || width == height) {
    return ResizeBicubic(rgb, width, height, side, side);
  }
  const int square = fit == Fit::kCrop ? std::min(width, height) : std::max(width, height);
  const size_t line = static_cast<size_t>(square) * 3;
  std::vector<uint8_t> pixels(line * static_cast<size_t>(square), 255);
  // The part of the picture inside the square, centred in both.
  const int columns = std::min(width, square);
  const int rows = std::min(height, square);
  for (int y = 0; y < rows; ++y) {
    const auto from = (static_cast<size_t>(y + (height - rows) / 2) * static_cast<size_t>(width) +
                       static_cast<size_t>((width - columns) / 2)) *
                      3;
    const auto to = static_cast<size_t>(y + (square - rows) / 2) * line +
                    static_cast<size_t>((square - columns) / 2) * 3;
    std::copy_n(rgb.begin() + static_cast<std::ptrdiff_t>(from), columns * 3,
                pixels.begin() + static_cast<std::ptrdiff_t>(to));
  }
  return ResizeBicubic(pixels, square, square, side, side);
}

}  // namespace vico::worker
