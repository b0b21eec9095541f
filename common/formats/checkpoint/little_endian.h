// Little-endian numbers out of bytes whose length the caller has checked, and into a string.
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
  return number;  // hosts are little-endian
}

template <typename Number>
void AppendLittleEndian(Number number, std::string& bytes) {
  char text[sizeof(Number)];
  std::memcpy(text, &number, sizeof(Number));
  bytes.append(text, sizeof(Number));
}

}  // namespace vico
