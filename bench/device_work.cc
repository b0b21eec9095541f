#include "bench/device_work.h"

#include <ATen/ATen.h>
#if __has_include(<c10/core/CachingDeviceAllocator.h>)  // not in LibTorch 1.13
#include <c10/core/CachingDeviceAllocator.h>
#define VICO_DEVICE_ALLOCATOR
#endif

namespace vico::bench {

void WaitFor(const c10::Device& device) {
  // A copy to the host comes after everything else in the thread's stream.
  if (!device.is_cpu()) at::zeros({1}, at::TensorOptions(device)).item<float>();
}

#ifdef VICO_DEVICE_ALLOCATOR
void ResetPeak(const c10::Device& device) {
  if (!device.is_cpu()) c10::getDeviceAllocator(device.type())->resetPeakStats(device.index());
}

std::optional<int64_t> PeakBytes(const c10::Device& device) {
  if (device.is_cpu()) return std::nullopt;
  const auto stats = c10::getDeviceAllocator(device.type())->getDeviceStats(device.index());
  return stats.allocated_bytes[static_cast<size_t>(c10::CachingAllocator::StatType::AGGREGATE)]
      .peak;
}
#else
void ResetPeak(const c10::Device& /*device*/) {}

std::optional<int64_t> PeakBytes(const c10::Device& /*device*/) { return std::nullopt; }
#endif

}  // namespace vico::bench
