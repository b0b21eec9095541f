// The loops of group norm over numbers that lie pixel by pixel, for the best instructions of the
// processor. Plain C++: no LibTorch.
#pragma once

#include <cstdint>

namespace vico::worker {

/// Some pixels of one picture: x[row * channels + channel]. Number is float, or uint16_t for the
/// bits of a bfloat16.
template <typename Number>
struct PixelRows {
  const Number* x = nullptr;
  int64_t rows = 0;
  int64_t channels = 0;
};

/// sums[c] = sum of x[r][c] over the rows.
template <typename Number>
void SumRows(const PixelRows<Number>& pixels, float* sums);

/// sums[c] = sum of (x[r][c] - mean[c])^2 over the rows.
template <typename Number>
void SumSquares(const PixelRows<Number>& pixels, const float* mean, float* sums);

/// Of each channel: x becomes (x - mean) * scale + bias.
struct NormCoefficients {
  const float* mean = nullptr;
  const float* scale = nullptr;
  const float* bias = nullptr;
};

/// Writes y in the layout of x. Numbers that are not finite stay not finite.
template <typename Number>
void Normalize(const PixelRows<Number>& pixels, const NormCoefficients& norm, Number* y);

}  // namespace vico::worker
