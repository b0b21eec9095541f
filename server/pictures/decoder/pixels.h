// The pixels of a decoded picture, and what the decoder noticed about it.
#pragma once

#include <cstdint>
#include <vector>

namespace vico::server {

/// What was odd about a picture that decoded whole. Bits; the numbers are part of the protocol
/// between the processes.
enum DecodeWarning : uint32_t {
  kStrayBytes = 1,       ///< bytes between the parts of the file that belong to none
  kProfileUnusable = 2,  ///< the colour profile; the pixels are taken as sRGB
  kOddColourMark = 4,    ///< the mark of the colour space has an unknown value
  kOddProgression = 8,   ///< the scans come in an order that no encoder should write
  kOddPng = 16,          ///< what libpng warns of
  kCoarse = 32,          ///< no scan refines the picture to its full precision
  kAllDecodeWarnings = 63
};

/// Why a picture does not decode. The numbers are part of the protocol.
enum class Damage : uint32_t {
  kUnknown = 0,
  kEndsEarly = 1,  ///< the coded pixels end before the last row
  kWrongCode = 2,  ///< the coded pixels contain what cannot be decoded
  kRestart = 3,    ///< a restart marker is missing
  kNoTable = 4,    ///< a Huffman or quantisation table is missing
  kBadHeader = 5,  ///< before the first pixel
  kLast = kBadHeader
};

/// Sent with every answer. The decoder may be malicious: the numbers go into messages only.
struct DecodeNotes {
  uint32_t warnings = 0;  ///< bits of DecodeWarning
  Damage damage = Damage::kUnknown;
  uint32_t row = 0;   ///< complete rows before the damage, in pixels as stored
  uint32_t scan = 0;  ///< of a progressive JPEG or an interlaced PNG: 1, 2, …; else 0
};

struct Pixels {
  int width = 0;             ///< pixels, upright
  int height = 0;            ///< pixels, upright
  std::vector<uint8_t> bgr;  ///< [height, width, 3], rows without padding
  DecodeNotes notes;
};

}  // namespace vico::server
