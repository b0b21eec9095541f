// Group norm of numbers that lie pixel by pixel, on a CPU.
#pragma once

#include <cstdint>

#include <ATen/ATen.h>

namespace vico::worker {

/// Whether ChannelsLastNorm() takes it: fp32 or bfloat16, on a CPU, channels last in memory.
bool IsChannelsLast(const at::Tensor& x);

/// Means and variances in two passes and with the sums of blocks in double precision, so that the
/// result has fp32's error at any mean and does not depend on the number of threads. No gradients.
///   x [B, C, h, w], weight and bias [C] fp32 -> the type and layout of x
at::Tensor ChannelsLastNorm(const at::Tensor& x, int64_t groups, const at::Tensor& weight,
                            const at::Tensor& bias, double eps);

}  // namespace vico::worker
