// PNG files and parts of picture files, assembled by hand.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <zlib.h>

namespace vico::server {

inline std::string BigEndian32(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}

inline std::string PngChunk(const std::string& type, const std::string& data) {
  const std::string checked = type + data;
  const auto crc =
      crc32(0, reinterpret_cast<const Bytef*>(checked.data()), static_cast<uInt>(checked.size()));
  return BigEndian32(static_cast<uint32_t>(data.size())) + checked +
         BigEndian32(static_cast<uint32_t>(crc));
}

/// A PNG whose header announces this size and whose pixel data is a few bytes.
inline std::string PngThatSays(uint32_t width, uint32_t height, int bit_depth = 8,
                               int colour_type = 2) {
  std::string header = BigEndian32(width) + BigEndian32(height);
  header += static_cast<char>(bit_depth);
  header += static_cast<char>(colour_type);
  header += std::string(3, '\0');
  return std::string("\x89PNG\r\n\x1a\n", 8) + PngChunk("IHDR", header) +
         PngChunk("IDAT", "nothing") + PngChunk("IEND", "");
}

/// A PNG of the given kind, written by hand. `rows` are the packed pixels of each row.
inline std::string HandMadePng(uint32_t width, int bit_depth, int colour_type,
                               const std::vector<std::string>& rows,
                               const std::string& extra_chunks = "") {
  std::string raw;
  for (const std::string& row : rows) raw += '\0' + row;  // no filter
  std::string packed(compressBound(raw.size()), '\0');
  uLongf size = packed.size();
  if (compress(reinterpret_cast<Bytef*>(packed.data()), &size,
               reinterpret_cast<const Bytef*>(raw.data()), raw.size()) != Z_OK) {
    std::abort();
  }
  packed.resize(size);
  std::string header = BigEndian32(width) + BigEndian32(static_cast<uint32_t>(rows.size()));
  header += static_cast<char>(bit_depth);
  header += static_cast<char>(colour_type);
  header += std::string(3, '\0');
  return std::string("\x89PNG\r\n\x1a\n", 8) + PngChunk("IHDR", header) + extra_chunks +
         PngChunk("IDAT", packed) + PngChunk("IEND", "");
}

/// `png` with one more chunk after its header.
inline std::string WithChunk(const std::string& png, const std::string& type,
                             const std::string& data) {
  constexpr size_t kAfterHeader = 8 + 25;
  return png.substr(0, kAfterHeader) + PngChunk(type, data) + png.substr(kAfterHeader);
}

/// A TIFF block with nothing but an orientation.
inline std::string OrientationTiff(int orientation, bool little_endian) {
  if (little_endian) {
    return std::string("II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", 18) +
           static_cast<char>(orientation) + std::string(7, '\0');
  }
  return std::string("MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0", 19) +
         static_cast<char>(orientation) + std::string(6, '\0');
}

/// `jpeg` with one more segment, right after the start of image.
inline std::string WithSegment(const std::string& jpeg, uint8_t marker, const std::string& data) {
  const auto length = static_cast<uint16_t>(data.size() + 2);
  std::string segment = "\xff";
  segment += static_cast<char>(marker);
  segment += static_cast<char>(length >> 8);
  segment += static_cast<char>(length & 0xff);
  return jpeg.substr(0, 2) + segment + data + jpeg.substr(2);
}

}  // namespace vico::server
