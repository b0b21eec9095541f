// The frame header of a JPEG, and what follows from it for its scans. Source: ITU-T T.81.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

namespace vico::server {

inline int JpegByte(std::string_view bytes, size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

struct JpegFrame {
  struct Component {
    int id = 0;
    uint32_t across = 1;  ///< sampling factors, 1..4
    uint32_t down = 1;
    bool has_scan = false;
  };
  uint32_t width = 0;
  uint32_t height = 0;
  std::vector<Component> components;
};

/// Reads the segment of a start of frame. kInvalidArgument for what is malformed or not accepted.
absl::StatusOr<JpegFrame> ReadJpegFrame(std::string_view segment);

/// The components of a start of scan's segment, as indices; empty if it is malformed.
std::vector<size_t> ComponentsOfScan(const JpegFrame& frame, std::string_view segment);

/// Bytes of the coefficients that libjpeg keeps of a JPEG with several scans.
uint64_t CoefficientBytes(const JpegFrame& frame);

/// The units of a scan that a restart interval counts.
uint64_t UnitsOfScan(const JpegFrame& frame, const std::vector<size_t>& components);

/// Numbers the restart markers of a scan's coded data 0 to 7 in turn, if there are exactly as many
/// as a scan of `units` with this interval has. True when that changed one: some encoders write the
/// same number each time.
bool NumberRestarts(std::string& data, uint64_t units, uint64_t interval);

}  // namespace vico::server
