#include "server/pictures/decoder/frame.h"

#include <cstddef>

namespace vico::server {
namespace {

constexpr uint32_t kJobMagic = 0x314a4456;     // "VDJ1"
constexpr uint32_t kAnswerMagic = 0x31414456;  // "VDA1"

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
  Put(bytes, 4, header.file_bytes);
  return bytes;
}

AnswerHeaderBytes ToBytes(const AnswerHeader& header) {
  AnswerHeaderBytes bytes;
  Put(bytes, 0, kAnswerMagic);
  Put(bytes, 1, static_cast<uint32_t>(header.outcome));
  Put(bytes, 2, header.pixel_bytes);
  return bytes;
}

bool FromBytes(const JobHeaderBytes& bytes, JobHeader& header) {
  if (Get(bytes, 0) != kJobMagic) return false;
  header.width = Get(bytes, 1);
  header.height = Get(bytes, 2);
  header.orientation = Get(bytes, 3);
  header.file_bytes = Get(bytes, 4);
  const uint64_t pixels = uint64_t{header.width} * header.height;
  return pixels > 0 && pixels <= kMaxPictureBytes / 3 && header.orientation >= 1 &&
         header.orientation <= 8 && header.file_bytes > 0 && header.file_bytes <= kMaxFileBytes;
}

bool FromBytes(const AnswerHeaderBytes& bytes, AnswerHeader& header) {
  if (Get(bytes, 0) != kAnswerMagic) return false;
  const uint32_t outcome = Get(bytes, 1);
  header.outcome = static_cast<DecodeOutcome>(outcome);
  header.pixel_bytes = Get(bytes, 2);
  return outcome <= static_cast<uint32_t>(DecodeOutcome::kOutOfMemory) &&
         header.pixel_bytes <= kMaxPictureBytes &&
         (header.outcome == DecodeOutcome::kDecoded || header.pixel_bytes == 0);
}

}  // namespace vico::server
