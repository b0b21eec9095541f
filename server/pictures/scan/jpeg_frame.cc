#include "server/pictures/scan/jpeg_frame.h"

#include <algorithm>

#include <fmt/format.h>

namespace vico::server {
namespace {

constexpr uint64_t kBlockSide = 8;  // pixels

uint64_t DivideUp(uint64_t value, uint64_t by) { return (value + by - 1) / by; }

struct Factors {
  uint32_t across = 1, down = 1;
};

Factors Largest(const JpegFrame& frame) {
  Factors largest;
  for (const auto& component : frame.components) {
    largest.across = std::max(largest.across, component.across);
    largest.down = std::max(largest.down, component.down);
  }
  return largest;
}

}  // namespace

absl::StatusOr<JpegFrame> ReadJpegFrame(std::string_view segment) {
  const auto bad = [] {
    return absl::InvalidArgumentError("is not a valid JPEG: bad frame header");
  };
  if (segment.size() < 6) return bad();
  if (JpegByte(segment, 0) != 8) {
    return absl::InvalidArgumentError(fmt::format(
        "is a JPEG with {} bits per channel; only 8 are accepted", JpegByte(segment, 0)));
  }
  JpegFrame frame;
  frame.height = static_cast<uint32_t>(JpegByte(segment, 1) << 8 | JpegByte(segment, 2));
  frame.width = static_cast<uint32_t>(JpegByte(segment, 3) << 8 | JpegByte(segment, 4));
  const int channels = JpegByte(segment, 5);
  if (channels != 1 && channels != 3 && channels != 4) {
    return absl::InvalidArgumentError(
        fmt::format("is a JPEG with {} channels; only 1, 3 and 4 are accepted", channels));
  }
  if (segment.size() != 6 + 3 * static_cast<size_t>(channels)) return bad();
  for (size_t at = 6; at < segment.size(); at += 3) {
    const int factors = JpegByte(segment, at + 1);
    const auto across = static_cast<uint32_t>(factors >> 4);
    const auto down = static_cast<uint32_t>(factors & 15);
    if (across < 1 || across > 4 || down < 1 || down > 4) return bad();
    frame.components.push_back({.id = JpegByte(segment, at), .across = across, .down = down});
  }
  return frame;
}

std::vector<size_t> ComponentsOfScan(const JpegFrame& frame, std::string_view segment) {
  std::vector<size_t> found;
  const size_t count = segment.empty() ? 0 : static_cast<size_t>(JpegByte(segment, 0));
  if (segment.size() < 1 + 2 * count) return {};
  for (size_t i = 0; i < count; ++i) {
    for (size_t component = 0; component < frame.components.size(); ++component) {
      if (frame.components[component].id == JpegByte(segment, 1 + 2 * i))
        found.push_back(component);
    }
  }
  return found;
}

uint64_t CoefficientBytes(const JpegFrame& frame) {
  constexpr uint64_t kBlockBytes = kBlockSide * kBlockSide * sizeof(int16_t);
  const Factors largest = Largest(frame);
  const uint64_t units = DivideUp(frame.width, kBlockSide * largest.across) *
                         DivideUp(frame.height, kBlockSide * largest.down);
  uint64_t blocks_of_unit = 0;
  for (const auto& component : frame.components) {
    blocks_of_unit += uint64_t{component.across} * component.down;
  }
  return units * blocks_of_unit * kBlockBytes;
}

uint64_t UnitsOfScan(const JpegFrame& frame, const std::vector<size_t>& components) {
  const Factors largest = Largest(frame);
  if (components.size() != 1) {
    return DivideUp(frame.width, kBlockSide * largest.across) *
           DivideUp(frame.height, kBlockSide * largest.down);
  }
  const auto& only = frame.components[components.front()];
  return DivideUp(DivideUp(uint64_t{frame.width} * only.across, largest.across), kBlockSide) *
         DivideUp(DivideUp(uint64_t{frame.height} * only.down, largest.down), kBlockSide);
}

bool NumberRestarts(std::string& data, uint64_t units, uint64_t interval) {
  if (interval == 0 || units == 0) return false;
  std::vector<size_t> markers;  // places of their second bytes
  for (size_t at = data.find('\xff'); at != std::string::npos && at + 1 < data.size();
       at = data.find('\xff', at + 1)) {
    const int next = JpegByte(data, at + 1);
    if (next >= 0xd0 && next <= 0xd7) markers.push_back(at + 1);
  }
  const uint64_t expected = DivideUp(units, interval) - 1;
  // An encoder may also write one after the last unit.
  if (markers.size() != expected && markers.size() != expected + 1) return false;
  bool changed = false;
  for (size_t i = 0; i < markers.size(); ++i) {
    const auto number = static_cast<char>(0xd0 + i % 8);
    changed = changed || data[markers[i]] != number;
    data[markers[i]] = number;
  }
  return changed;
}

}  // namespace vico::server
