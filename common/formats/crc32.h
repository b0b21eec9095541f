// CRC-32 as zip archives and PNG files use it: polynomial 0xEDB88320.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace vico {

uint32_t Crc32(std::span<const std::byte> bytes);

}  // namespace vico
