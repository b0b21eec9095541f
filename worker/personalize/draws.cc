// Counter-based random draws. Mixing: splitmix64 (Steele et al., 2014).
#include "worker/personalize/draws.h"

#include <ATen/CPUGeneratorImpl.h>

namespace vico::worker {
namespace {

uint64_t Mix(uint64_t z) {
  z += 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace

uint64_t DrawSeed(uint64_t seed, Purpose purpose, uint64_t index) {
  return Mix(Mix(Mix(seed) ^ static_cast<uint64_t>(purpose)) ^ index);
}

at::Generator DrawGenerator(uint64_t seed, Purpose purpose, uint64_t index) {
  return at::make_generator<at::CPUGeneratorImpl>(DrawSeed(seed, purpose, index));
}

at::Tensor DrawNormal(at::IntArrayRef shape, uint64_t seed, Purpose purpose, uint64_t index) {
  return at::randn(shape, DrawGenerator(seed, purpose, index), at::TensorOptions(at::kFloat));
}

at::Tensor DrawIntegers(int64_t high, int64_t n, uint64_t seed, Purpose purpose, uint64_t index) {
  return at::randint(0, high, {n}, DrawGenerator(seed, purpose, index),
                     at::TensorOptions(at::kLong));
}

}  // namespace vico::worker
