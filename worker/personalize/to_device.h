// Small tensors that the CPU makes for a device.
#pragma once

#include <ATen/ATen.h>

namespace vico::worker {

/// A copy of `x`, which is on the CPU; `x` itself if the device is a CPU. A GPU reads it from
/// page-locked memory in its turn, so that the caller does not wait for what is queued before.
inline at::Tensor ToDevice(const at::Tensor& x, const at::Device& device) {
  return device.is_cuda() ? x.pin_memory().to(device, /*non_blocking=*/true) : x.to(device);
}

}  // namespace vico::worker
