// The protocol between the server and its decoder process: the server sends one job, the process
// one answer, and both close the socket. All numbers are little-endian.
#pragma once

#include <array>
#include <cstdint>

#include "server/pictures/decoder/decode.h"

namespace vico::server {

/// Sent before the colour data and the bytes of the file.
struct JobHeader {
  uint32_t width = 0;
  uint32_t height = 0;
  uint32_t orientation = 1;
  uint32_t shrink = 1;
  ColourKind colour = ColourKind::kSrgb;
  uint32_t colour_bytes = 0;
  uint32_t file_bytes = 0;
};

/// Sent before the pixels.
struct AnswerHeader {
  DecodeOutcome outcome = DecodeOutcome::kDamaged;
  uint32_t pixel_bytes = 0;  ///< 3 x width x height, shrunk, with kDecoded, else 0
  DecodeNotes notes;
};

inline constexpr uint32_t kMaxStoredSide = 65'535;  ///< pixels, before shrinking
inline constexpr uint32_t kMaxFileBytes = 16 << 20;
inline constexpr uint32_t kMaxPictureBytes = 100 << 20;  ///< of pixels

using JobHeaderBytes = std::array<uint8_t, 32>;
using AnswerHeaderBytes = std::array<uint8_t, 28>;

JobHeaderBytes ToBytes(const JobHeader& header);
AnswerHeaderBytes ToBytes(const AnswerHeader& header);

/// False for bytes of another protocol or out of range; `header` is undefined then.
bool FromBytes(const JobHeaderBytes& bytes, JobHeader& header);
bool FromBytes(const AnswerHeaderBytes& bytes, AnswerHeader& header);

}  // namespace vico::server
