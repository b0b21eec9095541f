#include "worker/io/float8.h"

#include <array>
#include <cmath>
#include <limits>

namespace vico::worker {
namespace {

using Values = std::array<float, 256>;

Values MakeValues(int mantissa_bits, int bias, bool has_infinity) {
  Values values;
  const int exponent_limit = 1 << (7 - mantissa_bits);
  const int mantissa_limit = 1 << mantissa_bits;
  for (int byte = 0; byte < 256; ++byte) {
    const int exponent = (byte & 0x7F) >> mantissa_bits;
    const int mantissa = byte & (mantissa_limit - 1);
    const bool subnormal = exponent == 0;
    float value = std::ldexp(static_cast<float>(mantissa + (subnormal ? 0 : mantissa_limit)),
                             (subnormal ? 1 : exponent) - bias - mantissa_bits);
    if (exponent == exponent_limit - 1) {
      if (has_infinity && mantissa == 0) value = std::numeric_limits<float>::infinity();
      const bool nan = has_infinity ? mantissa != 0 : mantissa == mantissa_limit - 1;
      if (nan) value = std::numeric_limits<float>::quiet_NaN();
    }
    values[static_cast<size_t>(byte)] = byte >= 128 ? -value : value;
  }
  return values;
}

}  // namespace

torch::Tensor FromFloat8(std::span<const std::byte> bytes, DType dtype,
                         const std::vector<int64_t>& shape) {
  static const Values kE4M3 = MakeValues(3, 7, false);
  static const Values kE5M2 = MakeValues(2, 15, true);
  const Values& values = dtype == DType::kF8E4M3 ? kE4M3 : kE5M2;
  auto result = torch::empty(shape, torch::dtype(torch::kFloat32));
  auto* next = result.data_ptr<float>();
  for (const std::byte byte : bytes) *next++ = values[static_cast<size_t>(byte)];
  return result;
}

}  // namespace vico::worker
