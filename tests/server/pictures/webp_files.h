// WebP files, encoded with libwebp, and put together by hand.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <webp/encode.h>

namespace vico::server {

inline std::string WebpNumber(size_t value, int bytes) {
  std::string number;
  for (int i = 0; i < bytes; ++i) number += static_cast<char>(value >> 8 * i & 0xff);
  return number;
}

inline std::string WebpChunk(const std::string& type, const std::string& data) {
  return type + WebpNumber(data.size(), 4) + data + std::string(data.size() % 2, '\0');
}

inline std::string WebpFile(const std::string& chunks) {
  return "RIFF" + WebpNumber(chunks.size() + 4, 4) + "WEBP" + chunks;
}

/// The chunk VP8X. Flags: 2 animated, 4 XMP, 8 EXIF, 16 alpha, 32 profile.
inline std::string ExtendedHeader(uint32_t width, uint32_t height, char flags) {
  return WebpChunk(
      "VP8X", flags + std::string(3, '\0') + WebpNumber(width - 1, 3) + WebpNumber(height - 1, 3));
}

/// [height, width] BGRA, a gradient of this opacity.
inline std::vector<uint8_t> WebpPixels(int width, int height, uint8_t alpha) {
  std::vector<uint8_t> pixels;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      pixels.insert(pixels.end(), {static_cast<uint8_t>(x * 3), static_cast<uint8_t>(y * 3),
                                   static_cast<uint8_t>(200 - x), alpha});
    }
  }
  return pixels;
}

inline std::string TakeWebp(uint8_t* bytes, size_t size) {
  std::string file(reinterpret_cast<char*>(bytes), size);
  WebPFree(bytes);
  return file;
}

inline std::string LossyWebp(int width, int height, uint8_t alpha = 255) {
  const std::vector<uint8_t> pixels = WebpPixels(width, height, alpha);
  uint8_t* bytes = nullptr;
  const size_t size = WebPEncodeBGRA(pixels.data(), width, height, 4 * width, 90, &bytes);
  return TakeWebp(bytes, size);
}

inline std::string LosslessWebp(int width, int height, uint8_t alpha = 255) {
  const std::vector<uint8_t> pixels = WebpPixels(width, height, alpha);
  uint8_t* bytes = nullptr;
  const size_t size = WebPEncodeLosslessBGRA(pixels.data(), width, height, 4 * width, &bytes);
  return TakeWebp(bytes, size);
}

/// An animation of two equal pictures of 40 x 24 pixels on a canvas; `pixels` is their chunk.
inline std::string AnimatedWebp(uint32_t width, uint32_t height, const std::string& pixels) {
  const std::string frame = WebpChunk("ANMF", WebpNumber(0, 6) + WebpNumber(39, 3) +
                                                  WebpNumber(23, 3) + WebpNumber(100, 4) + pixels);
  return WebpFile(ExtendedHeader(width, height, 2) + WebpChunk("ANIM", WebpNumber(0, 6)) + frame +
                  frame);
}

}  // namespace vico::server
