#include "worker/layers/norm_kernel.h"

#include <bit>

namespace vico::worker {
namespace {

#define VICO_INLINE [[gnu::always_inline]] inline

VICO_INLINE float Read(float number) { return number; }
VICO_INLINE float Read(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

VICO_INLINE void Write(float number, float& to) { to = number; }
// Rounds to the nearest, ties to even.
VICO_INLINE void Write(float number, uint16_t& to) {
  const auto bits = std::bit_cast<uint32_t>(number);
  const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  to = static_cast<uint16_t>(number == number ? rounded : 0x7fc0);  // NaN stays NaN
}

// Compiles `work`, which must be inlined, for each kind of processor, and runs the best.
#ifdef __x86_64__
template <typename Work>
[[gnu::target("avx512f")]] void OnAvx512(const Work& work) {
  work();
}
template <typename Work>
[[gnu::target("avx2")]] void OnAvx2(const Work& work) {
  work();
}
template <typename Work>
void OnThisProcessor(const Work& work) {
  if (__builtin_cpu_supports("avx512f")) return OnAvx512(work);
  if (__builtin_cpu_supports("avx2")) return OnAvx2(work);
  work();
}
#else
template <typename Work>
void OnThisProcessor(const Work& work) {
  work();
}
#endif

}  // namespace

template <typename Number>
void SumRows(const PixelRows<Number>& pixels, float* __restrict sums) {
  OnThisProcessor([&]() __attribute__((always_inline)) {
    for (int64_t c = 0; c < pixels.channels; ++c) sums[c] = 0;
    for (int64_t r = 0; r < pixels.rows; ++r) {
      const Number* __restrict x = pixels.x + r * pixels.channels;
      for (int64_t c = 0; c < pixels.channels; ++c) sums[c] += Read(x[c]);
    }
  });
}

template <typename Number>
void SumSquares(const PixelRows<Number>& pixels, const float* __restrict mean,
                float* __restrict sums) {
  OnThisProcessor([&]() __attribute__((always_inline)) {
    for (int64_t c = 0; c < pixels.channels; ++c) sums[c] = 0;
    for (int64_t r = 0; r < pixels.rows; ++r) {
      const Number* __restrict x = pixels.x + r * pixels.channels;
      for (int64_t c = 0; c < pixels.channels; ++c) {
        const float centred = Read(x[c]) - mean[c];
        sums[c] += centred * centred;
      }
    }
  });
}

template <typename Number>
void Normalize(const PixelRows<Number>& pixels, const NormCoefficients& norm,
               Number* __restrict y) {
  OnThisProcessor([&]() __attribute__((always_inline)) {
    const float* __restrict mean = norm.mean;
    const float* __restrict scale = norm.scale;
    const float* __restrict bias = norm.bias;
    for (int64_t r = 0; r < pixels.rows; ++r) {
      const Number* __restrict x = pixels.x + r * pixels.channels;
      Number* __restrict to = y + r * pixels.channels;
      for (int64_t c = 0; c < pixels.channels; ++c) {
        Write((Read(x[c]) - mean[c]) * scale[c] + bias[c], to[c]);
      }
    }
  });
}

template void SumRows(const PixelRows<float>&, float*);
template void SumRows(const PixelRows<uint16_t>&, float*);
template void SumSquares(const PixelRows<float>&, const float*, float*);
template void SumSquares(const PixelRows<uint16_t>&, const float*, float*);
template void Normalize(const PixelRows<float>&, const NormCoefficients&, float*);
template void Normalize(const PixelRows<uint16_t>&, const NormCoefficients&, uint16_t*);

}  // namespace vico::worker
