#include "server/gate/frame_limits.h"

#include <algorithm>

namespace vico::server {
namespace {

struct Budget {
  double burst;
  double per_second;
  std::string_view flood;
};

// By FrameLimits::Kind. Frames beyond these numbers are earned by traffic that causes them, see
// CheckClient() and CheckServer().
constexpr std::array<Budget, 7> kBudgets{{
    {100, 100, "streams that are reset"},
    {100, 20, "PING frames"},
    {20, 2, "SETTINGS frames"},
    {200, 20, "PRIORITY frames"},
    {1000, 100, "DATA frames without data"},
    {1000, 200, "WINDOW_UPDATE frames"},
    {20, 2, "frames without a purpose"},
}};

// A DATA frame below this size costs gRPC more for its bookkeeping than for its bytes.
constexpr uint32_t kSmallData = 257;
// The client's data for which it may send one more small frame.
constexpr uint64_t kDataPerSmallFrame = 4096;
// The server's DATA frames that earn the client its answers: window updates and the PING by which
// it measures the bandwidth. Smaller frames are what a peer with a window of a few bytes provokes.
constexpr uint32_t kEarningData = 16;
constexpr double kLeastBurst = 5;                 // enough to begin a connection
constexpr uint32_t kMostControlBytes = 16 << 10;  // of any frame but DATA; HTTP/2's default

}  // namespace

FrameLimits::FrameLimits(Time now, bool suspect) : suspect_(suspect) {
  for (int kind = 0; kind < kKinds; ++kind) {
    allowances_[kind] = {Burst(static_cast<Kind>(kind)), now};
  }
}

double FrameLimits::Burst(Kind kind) const {
  const double burst = kBudgets[kind].burst;
  return suspect_ ? std::max(kLeastBurst, burst / 10) : burst;
}

FrameLimits::Flood FrameLimits::FromClient(std::string_view bytes, Time now) {
  Flood flood;
  client_.Read(bytes, [&](const Frame& frame) {
    flood = CheckClient(frame, now);
    return !flood;
  });
  return flood;
}

FrameLimits::Flood FrameLimits::FromServer(std::string_view bytes, Time now) {
  Flood flood;
  server_.Read(bytes, [&](const Frame& frame) {
    flood = CheckServer(frame, now);
    return !flood;
  });
  return flood;
}

FrameLimits::Flood FrameLimits::Overdue(Time now) const {
  if (settings_owed_ > 0 && now - settings_sent_ > kSettingsTimeout) {
    return "SETTINGS that it does not acknowledge";
  }
  return std::nullopt;
}

FrameLimits::Flood FrameLimits::CheckClient(const Frame& frame, Time now) {
  const bool continues = frame.type == FrameType::kContinuation;
  if (continues != (in_header_block_ != 0)) return "frames out of order";
  if (frame.type != FrameType::kData && frame.length > kMostControlBytes) return "long frames";
  switch (frame.type) {
    case FrameType::kData:
      data_bytes_ += frame.length;
      if (const uint64_t earned = data_bytes_ / kDataPerSmallFrame; earned > 0) {
        Earn(kSmallData, static_cast<double>(earned));
        data_bytes_ %= kDataPerSmallFrame;
      }
      if (frame.length < kSmallData && !frame.Has(Frame::kEndStream)) return Spend(kSmallData, now);
      return std::nullopt;
    case FrameType::kHeaders:
      return CheckHeaders(frame, now);
    case FrameType::kContinuation:
      return CheckContinuation(frame);
    case FrameType::kPriority:
      return Spend(kPriority, now);
    case FrameType::kResetStream:
      open_.erase(frame.stream);
      return Spend(kReset, now);
    case FrameType::kSettings:
      if (!frame.Has(Frame::kAck)) return Spend(kSettings, now);
      if (settings_owed_ == 0) return Spend(kOther, now);
      --settings_owed_;
      settings_sent_ = now;
      return std::nullopt;
    case FrameType::kPing:
      return Spend(kPing, now);
    case FrameType::kWindowUpdate:
      return Spend(kWindowUpdate, now);
    case FrameType::kPushPromise:
      return "frames that a client must not send";
    default:
      return Spend(kOther, now);
  }
}

FrameLimits::Flood FrameLimits::CheckHeaders(const Frame& frame, Time now) {
  if (!frame.Has(Frame::kEndHeaders)) in_header_block_ = frame.stream;
  header_bytes_ = frame.length;
  continuations_ = 0;
  // Headers of a stream that exists already, or of a number that no client may use.
  if (frame.stream <= last_stream_ || frame.stream % 2 == 0) return Spend(kOther, now);
  last_stream_ = frame.stream;
  open_.insert(frame.stream);
  if (open_.size() > kMostOpenStreams) return "open streams";
  // A request of one message may be one small frame and an empty one that ends it.
  Earn(kSmallData, 2);
  return std::nullopt;
}

FrameLimits::Flood FrameLimits::CheckContinuation(const Frame& frame) {
  if (frame.stream != in_header_block_) return "frames out of order";
  header_bytes_ += frame.length;
  if (frame.Has(Frame::kEndHeaders)) in_header_block_ = 0;
  if (++continuations_ > kMostContinuations || header_bytes_ > kMostHeaderBytes) {
    return "headers of one call";
  }
  return std::nullopt;
}

FrameLimits::Flood FrameLimits::CheckServer(const Frame& frame, Time now) {
  const bool data = frame.type == FrameType::kData;
  const bool ends = (data || frame.type == FrameType::kHeaders) && frame.Has(Frame::kEndStream);
  if (ends) open_.erase(frame.stream);
  if (ends || (data && frame.length >= kEarningData)) {
    Earn(kPing, 1);
    Earn(kWindowUpdate, 2);
  }
  switch (frame.type) {
    case FrameType::kPing:
      // The client acknowledges a PING. After the answer to its own, by which it measures the
      // bandwidth, it may change its windows.
      Earn(frame.Has(Frame::kAck) ? kSettings : kPing, 1);
      break;
    case FrameType::kSettings:
      if (!frame.Has(Frame::kAck) && settings_owed_++ == 0) settings_sent_ = now;
      break;
    case FrameType::kResetStream:
      open_.erase(frame.stream);
      // The server resets a stream for an error of the client, or without one after its answer.
      return frame.error == 0 ? std::nullopt : Spend(kReset, now);
    default:
      break;
  }
  return std::nullopt;
}

FrameLimits::Flood FrameLimits::Spend(Kind kind, Time now) {
  Allowance& allowance = allowances_[kind];
  const Budget& budget = kBudgets[kind];
  const double seconds = std::chrono::duration<double>(now - allowance.filled).count();
  allowance.filled = now;
  allowance.left = std::min(Burst(kind), allowance.left + seconds * budget.per_second) - 1;
  return allowance.left < 0 ? Flood(budget.flood) : std::nullopt;
}

void FrameLimits::Earn(Kind kind, double more) {
  allowances_[kind].left = std::min(Burst(kind), allowances_[kind].left + more);
}

}  // namespace vico::server
