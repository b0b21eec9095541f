// The random draws of a job. Each is a function of (seed, purpose, index), computed on the CPU, so
// that a resumed run, another device or another batch size has the same numbers.
#pragma once

#include <cstdint>

#include <ATen/ATen.h>

namespace vico::worker {

enum class Purpose : uint64_t {
  kAdapterStart = 1,
  kTarget,
  kReference,
  kTemplate,
  kTimestep,
  kNoise,
  kTargetPosterior,
  kReferencePosterior,
  kInitialNoise,
  kStepNoise,
  kInitPosterior,
};

/// A well-mixed 64-bit number.
uint64_t DrawSeed(uint64_t seed, Purpose purpose, uint64_t index = 0);

/// A generator for one purpose and index.
at::Generator DrawGenerator(uint64_t seed, Purpose purpose, uint64_t index = 0);

/// Standard normal, fp32, on the CPU.
at::Tensor DrawNormal(at::IntArrayRef shape, uint64_t seed, Purpose purpose, uint64_t index = 0);

/// int64 in 0..high-1, [n], on the CPU.
at::Tensor DrawIntegers(int64_t high, int64_t n, uint64_t seed, Purpose purpose,
                        uint64_t index = 0);

}  // namespace vico::worker
