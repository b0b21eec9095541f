// Random numbers from the kernel.
#pragma once

#include <cstdint>

namespace vico {

/// 64 random bits. Any thread.
uint64_t RandomBits();

/// At least 0 and below 1. Any thread.
double Random01();

}  // namespace vico
