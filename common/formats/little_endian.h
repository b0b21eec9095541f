// Reads and appends little-endian numbers. The caller has checked the length of the bytes.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string>

namespace vico {

template <typename Number>
Number LoadLittleEndian(std::span<const std::byte> bytes, size_t at) {
  Number number;
  std::memcpy(&number, bytes.subspan(at, sizeof(Number)).data(), sizeof(Number));
  return number;  // Vico runs on little-endian hosts only
}

template <typename Number>
void AppendLittleEndian(Number number, std::string& bytes) {
  char text[sizeof(Number)];
  std::memcpy(text, &number, sizeof(Number));
  bytes.append(text, sizeof(Number));
}

}  // namespace vico
