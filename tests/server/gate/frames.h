// HTTP/2 frames as bytes, for tests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/gate/frame_reader.h"

namespace vico::server {

constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

inline std::string FrameOf(FrameType type, uint8_t flags, uint32_t stream,
                           std::string_view payload = "") {
  std::string bytes;
  for (const int shift : {16, 8, 0}) bytes += static_cast<char>(payload.size() >> shift);
  bytes += static_cast<char>(type);
  bytes += static_cast<char>(flags);
  for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(stream >> shift);
  return bytes.append(payload);
}

}  // namespace vico::server
