// What a measurement must know of a device: when its work is done, and its memory. A CPU has
// nothing to wait for, and its memory is the process's.
#pragma once

#include <cstdint>
#include <optional>

#include <c10/core/Device.h>

namespace vico::bench {

/// Waits until the device has done what this thread gave it. A GPU computes behind its caller.
void WaitFor(const c10::Device& device);

/// Starts the device's peak anew at what is allocated now.
void ResetPeak(const c10::Device& device);

/// Bytes of tensors at the peak; nullopt for a CPU, and for a LibTorch that does not tell.
std::optional<int64_t> PeakBytes(const c10::Device& device);

}  // namespace vico::bench
