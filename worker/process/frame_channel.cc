#include "worker/process/frame_channel.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstring>
#include <string>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace vico::worker {
namespace {

constexpr size_t kLengthBytes = 8;
constexpr uint64_t kMostBytes = INT_MAX;  // protobuf's limit for a message
constexpr size_t kFirstBytes = size_t{1} << 20;

absl::Status Closed() { return absl::UnavailableError("channel: the other process has ended"); }

}  // namespace

FrameChannel::~FrameChannel() { close(socket_); }

absl::Status FrameChannel::Send(const google::protobuf::MessageLite& message) {
  if (message.ByteSizeLong() > kMostBytes)
    return absl::ResourceExhaustedError("channel: a message has more than 2 GiB");
  std::string frame(kLengthBytes, '\0');
  const uint64_t length = message.ByteSizeLong();
  for (size_t i = 0; i < kLengthBytes; ++i)
    frame[i] = static_cast<char>((length >> (8 * i)) & 0xff);
  if (!message.AppendToString(&frame))
    return absl::InternalError("channel: a message cannot be serialised");
  const MutexLock lock(sending_);
  size_t sent = 0;
  while (sent < frame.size()) {
    const ssize_t now = send(socket_, frame.data() + sent, frame.size() - sent, MSG_NOSIGNAL);
    if (now < 0 && errno == EINTR) continue;
    if (now < 0) return Closed();
    sent += static_cast<size_t>(now);
  }
  return absl::OkStatus();
}

absl::Status FrameChannel::Receive(google::protobuf::MessageLite& message,
                                   absl::Duration patience) {
  unsigned char header[kLengthBytes];
  if (absl::Status status = ReadWhole(reinterpret_cast<char*>(header), kLengthBytes, patience);
      !status.ok()) {
    return status;
  }
  uint64_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) length |= uint64_t{header[i]} << (8 * i);
  if (length > kMostBytes) return absl::DataLossError("channel: a frame has more than 2 GiB");
  // The memory grows with what arrives, not with what the header announces.
  std::string bytes;
  while (bytes.size() < length) {
    const size_t have = bytes.size();
    bytes.resize(have + std::min<uint64_t>(length - have, std::max(have, kFirstBytes)));
    if (absl::Status status = ReadWhole(bytes.data() + have, bytes.size() - have, patience);
        !status.ok()) {
      return status;
    }
  }
  if (!message.ParseFromString(bytes))
    return absl::DataLossError("channel: a frame does not contain a message");
  return absl::OkStatus();
}

absl::Status FrameChannel::ReadWhole(char* bytes, size_t size, absl::Duration patience) {
  using Steady = std::chrono::steady_clock;
  size_t got = 0;
  auto last = Steady::now();
  while (got < size) {
    // Short waits, so that signals which interrupt poll() do not extend the patience.
    pollfd wait{.fd = socket_, .events = POLLIN, .revents = 0};
    const int ready = poll(&wait, 1, 1000);
    if (ready < 0 && errno != EINTR) return Closed();
    if (ready <= 0) {
      if (absl::FromChrono(Steady::now() - last) > patience) {
        return absl::DeadlineExceededError("channel: the other process does not respond");
      }
      continue;
    }
    const ssize_t now = recv(socket_, bytes + got, size - got, 0);
    if (now < 0 && errno == EINTR) continue;
    if (now <= 0) return Closed();
    got += static_cast<size_t>(now);
    last = Steady::now();
  }
  return absl::OkStatus();
}

}  // namespace vico::worker
