#include "server/pictures/decoder/frame.h"

#include <cstddef>

namespace vico::server {
namespace {

constexpr uint32_t kJobMagic = 0x324a4456;     // "VDJ2"
constexpr uint32_t kAnswerMagic = 0x32414456;  // "VDA2"

template <size_t kSize>
void Put(std::array<uint8_t, kSize>& bytes, size_t index, uint32_t value) {
  for (size_t i = 0; i < 4; ++i) bytes[4 * index + i] = static_cast<uint8_t>(value >> 8 * i);
}

template <size_t kSize>
uint32_t Get(const std::array<uint8_t, kSize>& bytes, size_t index) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) value |= uint32_t{bytes[4 * index + i]} << 8 * i;
  return value;
}

}  // namespace

JobHeaderBytes ToBytes(const JobHeader& header) {
  JobHeaderBytes bytes;
  Put(bytes, 0, kJobMagic);
  Put(bytes, 1, header.width);
  Put(bytes, 2, header.height);
  Put(bytes, 3, header.orientation);
  Put(bytes, 4, header.shrink);
  Put(bytes, 5, static_cast<uint32_t>(header.colour));
  Put(bytes, 6, header.colour_bytes);
  Put(bytes, 7, header.file_bytes);
  return bytes;
}

AnswerHeaderBytes ToBytes(const AnswerHeader& header) {
  AnswerHeaderBytes bytes;
  Put(bytes, 0, kAnswerMagic);
  Put(bytes, 1, static_cast<uint32_t>(header.outcome));
  Put(bytes, 2, header.pixel_bytes);
  Put(bytes, 3, header.notes.warnings);
  Put(bytes, 4, static_cast<uint32_t>(header.notes.damage));
  Put(bytes, 5, header.notes.row);
  Put(bytes, 6, header.notes.scan);
  return bytes;
}

bool FromBytes(const JobHeaderBytes& bytes, JobHeader& header) {
  if (Get(bytes, 0) != kJobMagic) return false;
  header.width = Get(bytes, 1);
  header.height = Get(bytes, 2);
  header.orientation = Get(bytes, 3);
  header.shrink = Get(bytes, 4);
  const uint32_t colour = Get(bytes, 5);
  header.colour = static_cast<ColourKind>(colour);
  header.colour_bytes = Get(bytes, 6);
  header.file_bytes = Get(bytes, 7);
  const uint32_t shrink = header.shrink;
  if (shrink != 1 && shrink != 2 && shrink != 4 && shrink != 8) return false;
  if (header.width == 0 || header.height == 0 || header.width > kMaxStoredSide ||
      header.height > kMaxStoredSide) {
    return false;
  }
  const uint64_t pixels = uint64_t{Shrunk(header.width, shrink)} * Shrunk(header.height, shrink);
  return pixels <= kMaxPictureBytes / 3 && header.orientation >= 1 && header.orientation <= 8 &&
         colour <= static_cast<uint32_t>(ColourKind::kLast) &&
         header.colour_bytes <= kMaxProfileBytes && header.file_bytes > 0 &&
         header.file_bytes <= kMaxFileBytes;
}

bool FromBytes(const AnswerHeaderBytes& bytes, AnswerHeader& header) {
  if (Get(bytes, 0) != kAnswerMagic) return false;
  const uint32_t outcome = Get(bytes, 1);
  header.outcome = static_cast<DecodeOutcome>(outcome);
  header.pixel_bytes = Get(bytes, 2);
  const uint32_t damage = Get(bytes, 4);
  header.notes = {.warnings = Get(bytes, 3) & kAllDecodeWarnings,
                  .damage = static_cast<Damage>(damage),
                  .row = Get(bytes, 5),
                  .scan = Get(bytes, 6)};
  return damage <= static_cast<uint32_t>(Damage::kLast) &&
         outcome <= static_cast<uint32_t>(DecodeOutcome::kOutOfMemory) &&
         header.pixel_bytes <= kMaxPictureBytes &&
         (header.outcome == DecodeOutcome::kDecoded || header.pixel_bytes == 0);
}

}  // namespace vico::server
