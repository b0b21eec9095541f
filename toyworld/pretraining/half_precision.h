// Runs the operators of a scope in bfloat16 where that is safe, on CPUs: weights stay fp32.
#pragma once

#include <ATen/autocast_mode.h>
#include <torch/version.h>

namespace vico::toyworld {

class HalfPrecision {
 public:
  HalfPrecision() { Enable(true); }
  ~HalfPrecision() {
    Enable(false);
    at::autocast::clear_cache();
  }
  HalfPrecision(const HalfPrecision&) = delete;
  HalfPrecision& operator=(const HalfPrecision&) = delete;

 private:
  static void Enable(bool on) {
#if TORCH_VERSION_MAJOR >= 2
    at::autocast::set_autocast_enabled(at::kCPU, on);
    at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
#else
    at::autocast::set_cpu_enabled(on);
    at::autocast::set_autocast_cpu_dtype(at::kBFloat16);
#endif
    at::autocast::set_autocast_cache_enabled(false);
  }
};

}  // namespace vico::toyworld
