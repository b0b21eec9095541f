// A base model small enough to train in a test: random weights, every part of the real thing.
#pragma once

#include <cstdint>
#include <string>

#include <absl/status/status.h>

namespace vico {

/// Writes a diffusers directory: pictures of 64x64 pixels, latents a quarter of the side, two
/// resolutions with two sites, the toy world's words, 32 tokens a prompt, half-precision weights.
/// Equal seeds give equal files.
absl::Status WriteTinyBase(const std::string& directory, uint64_t seed);

}  // namespace vico
