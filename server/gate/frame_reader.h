// Finds the frames in one direction of an HTTP/2 connection (RFC 9113, section 4.1). It holds the
// head of one frame and no payload.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace vico::server {

enum class FrameType : uint8_t {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kResetStream = 3,
  kSettings = 4,
  kPushPromise = 5,
  kPing = 6,
  kGoAway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
};

struct Frame {
  static constexpr uint8_t kAck = 0x1;  ///< of SETTINGS and PING
  static constexpr uint8_t kEndStream = 0x1;
  static constexpr uint8_t kEndHeaders = 0x4;

  uint32_t length = 0;  ///< of the payload
  FrameType type{};     ///< or a value without a name
  uint8_t flags = 0;
  uint32_t stream = 0;
  uint32_t error = 0;  ///< of RESET_STREAM

  bool Has(uint8_t flag) const { return (flags & flag) != 0; }
};

class FrameReader {
 public:
  /// Calls `each` with every frame whose head ends in `bytes`, until it returns false. Returns
  /// whether it never did.
  template <typename Each>
  bool Read(std::string_view bytes, const Each& each) {
    return Read(bytes, each, [](std::string_view) {});
  }

  /// The same, and calls `payload` with the bytes that belong to the frame of the last head.
  template <typename Each, typename Payload>
  bool Read(std::string_view bytes, const Each& each, const Payload& payload) {
    while (!bytes.empty()) {
      const size_t skipped = std::min<size_t>(payload_left_, bytes.size());
      if (skipped > 0) payload(bytes.substr(0, skipped));
      bytes.remove_prefix(skipped);
      payload_left_ -= static_cast<uint32_t>(skipped);
      while (!bytes.empty() && head_size_ < HeadNeeded()) {
        head_[head_size_++] = static_cast<uint8_t>(bytes.front());
        bytes.remove_prefix(1);
      }
      if (payload_left_ > 0 || head_size_ < HeadNeeded()) return true;
      const Frame frame = Parsed();
      payload_left_ = frame.length - static_cast<uint32_t>(head_size_ - kHead);
      head_size_ = 0;
      if (!each(frame)) return false;
    }
    return true;
  }

  /// Whether the next byte begins a frame.
  bool at_boundary() const { return payload_left_ == 0 && head_size_ == 0; }

 private:
  static constexpr size_t kHead = 9;
  static constexpr size_t kError = 4;  // read together with the head

  uint32_t Length() const {
    return uint32_t{head_[0]} << 16 | uint32_t{head_[1]} << 8 | uint32_t{head_[2]};
  }
  size_t HeadNeeded() const {
    if (head_size_ < kHead) return kHead;
    const bool reset = static_cast<FrameType>(head_[3]) == FrameType::kResetStream;
    return reset && Length() >= kError ? kHead + kError : kHead;
  }
  uint32_t Number(size_t at) const {
    return uint32_t{head_[at]} << 24 | uint32_t{head_[at + 1]} << 16 |
           uint32_t{head_[at + 2]} << 8 | uint32_t{head_[at + 3]};
  }
  Frame Parsed() const {
    return {Length(), static_cast<FrameType>(head_[3]), head_[4], Number(5) & 0x7fffffff,
            head_size_ > kHead ? Number(kHead) : 0};
  }

  std::array<uint8_t, kHead + kError> head_{};
  size_t head_size_ = 0;
  uint32_t payload_left_ = 0;
};

}  // namespace vico::server
