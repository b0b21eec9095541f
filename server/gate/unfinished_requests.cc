#include "server/gate/unfinished_requests.h"

#include <algorithm>

namespace vico::server {
namespace {

constexpr uint8_t kPadded = 0x8;
// Longest time for which a handler works on one message of an upload: that of the whole upload.
// gRPC takes little of the next message until then, so this is not the client's time.
constexpr std::chrono::seconds kHandlerTime{120};

}  // namespace

UnfinishedRequests::~UnfinishedRequests() { budget_.Return(peer_, taken_); }

UnfinishedRequests::Excess UnfinishedRequests::FromClient(std::string_view bytes, Time now) {
  client_.Read(
      bytes,
      [&](const Frame& frame) {
        OnFrame(frame, now);
        return !excess_;
      },
      [&](std::string_view payload) { OnPayload(payload, now); });
  return excess_;
}

void UnfinishedRequests::FromServer(std::string_view bytes) {
  server_.Read(bytes, [&](const Frame& frame) {
    const bool may_end = frame.type == FrameType::kData || frame.type == FrameType::kHeaders;
    if (frame.type == FrameType::kResetStream || (may_end && frame.Has(Frame::kEndStream))) {
      End(frame.stream);
    }
    return true;
  });
}

UnfinishedRequests::Excess UnfinishedRequests::Overdue(Time now) const {
  const bool overdue = std::any_of(calls_.begin(), calls_.end(), [now](const auto& entry) {
    return entry.second.waits && now - entry.second.waits_since > kMessageTime;
  });
  return overdue ? Excess("messages that it does not complete") : std::nullopt;
}

void UnfinishedRequests::OnFrame(const Frame& frame, Time now) {
  frame_ = frame;
  frame_at_ = 0;
  padding_ = 0;
  if (frame.type == FrameType::kResetStream) return End(frame.stream);
  if (frame.type == FrameType::kHeaders) {
    // gRPC ignores headers of a number that no client may use; the next ones count for it.
    if (frame.stream % 2 == 1 && frame.stream > last_stream_) {
      last_stream_ = frame.stream;
      if (Hold(kCallBytes)) calls_[frame.stream].waits_since = now;
    }
    if (frame.Has(Frame::kEndStream)) EndOfRequest(frame.stream);
  } else if (frame.type == FrameType::kData && frame.length == 0 && frame.Has(Frame::kEndStream)) {
    EndOfRequest(frame.stream);
  }
}

void UnfinishedRequests::EndOfRequest(uint32_t stream) {
  const auto found = calls_.find(stream);
  if (found == calls_.end()) return;
  Call& call = found->second;
  call.waits = false;
  // gRPC takes the end of a request inside a message for its end after the message before.
  if (call.left > 0 || call.prefix_size > 0) excess_ = "requests that end inside a message";
}

void UnfinishedRequests::OnPayload(std::string_view payload, Time now) {
  if (frame_.type != FrameType::kData || excess_) return;
  const auto entry = calls_.find(frame_.stream);
  if (entry == calls_.end()) return;  // the server has ended the call
  const auto size = static_cast<uint32_t>(payload.size());
  std::string_view data = payload;
  if (frame_.Has(kPadded)) {
    if (frame_at_ == 0) {
      padding_ = static_cast<uint8_t>(payload.front());
      data.remove_prefix(1);
    }
    const uint32_t data_end = frame_.length - std::min(padding_, frame_.length);
    const uint32_t beyond = std::max(frame_at_ + size, data_end) - data_end;
    data.remove_suffix(std::min<size_t>(beyond, data.size()));
  }
  frame_at_ += size;
  OnMessageBytes(entry->second, data, now);
  if (frame_at_ == frame_.length && frame_.Has(Frame::kEndStream)) EndOfRequest(frame_.stream);
}

void UnfinishedRequests::OnMessageBytes(Call& call, std::string_view bytes, Time now) {
  while (!bytes.empty() && !excess_) {
    if (call.left == 0) {
      if (call.prefix_size == 0) {
        const bool first = call.waits;
        call.waits = true;
        call.waits_since = first ? now : now + kHandlerTime;
      }
      call.prefix[call.prefix_size++] = static_cast<uint8_t>(bytes.front());
      bytes.remove_prefix(1);
      if (call.prefix_size == kPrefix) BeginMessage(call);
      continue;
    }
    const size_t taken = std::min<size_t>(call.left, bytes.size());
    bytes.remove_prefix(taken);
    call.left -= static_cast<uint32_t>(taken);
    if (Hold(taken)) call.message_bytes += taken;
    if (call.left == 0) call.waits = false;
  }
}

/// Until the next one begins, a complete message counts: its handler may not have run.
void UnfinishedRequests::BeginMessage(Call& call) {
  Release(call.message_bytes);
  call.message_bytes = 0;
  call.prefix_size = 0;
  call.left = uint32_t{call.prefix[1]} << 24 | uint32_t{call.prefix[2]} << 16 |
              uint32_t{call.prefix[3]} << 8 | uint32_t{call.prefix[4]};
  if (call.left == 0) call.waits = false;
  if (call.left > kMostMessageBytes) excess_ = "bytes in one message";
}

bool UnfinishedRequests::Hold(uint64_t bytes) {
  if (excess_) return false;
  const uint64_t beyond = std::max(held_ + bytes, free_bytes_) - free_bytes_;
  const uint64_t more = std::max(beyond, taken_) - taken_;
  if (budget_.Take(peer_, more) != Shares::Taken::kYes) {
    excess_ = "requests that it does not complete";
    return false;
  }
  taken_ += more;
  held_ += bytes;
  return true;
}

void UnfinishedRequests::Release(uint64_t bytes) {
  held_ -= bytes;
  const uint64_t beyond = std::max(held_, free_bytes_) - free_bytes_;
  const uint64_t kept = std::min(beyond, taken_);
  budget_.Return(peer_, taken_ - kept);
  taken_ = kept;
}

void UnfinishedRequests::End(uint32_t stream) {
  const auto found = calls_.find(stream);
  if (found == calls_.end()) return;
  Release(kCallBytes + found->second.message_bytes);
  calls_.erase(found);
}

}  // namespace vico::server
