// A base model with random weights that is small enough to train in a test.
#pragma once

#include <cstdint>
#include <string>

#include <absl/status/status.h>

namespace vico {

/// Writes a diffusers directory: pictures of 64x64 pixels, latents of 16x16, two resolutions with
/// two sites, the words of the toy world, 32 tokens per prompt, half-precision weights. Equal seeds
/// give equal files.
absl::Status WriteTinyBase(const std::string& directory, uint64_t seed);

}  // namespace vico
