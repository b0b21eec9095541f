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

#include "common/status.h"

namespace vico::worker {
namespace {

constexpr size_t kLengthBytes = 8;
constexpr uint64_t kMostBytes = INT_MAX;  // protobuf's limit for a message
constexpr size_t kFirstBytes = size_t{1} << 20;

absl::Status Closed() { return absl::UnavailableError("channel: the other process has ended"); }

bool IsTemporary(int error) { return error == EINTR || error == EAGAIN || error == EWOULDBLOCK; }

/// Waits until the socket can be read (POLLIN) or written (POLLOUT), or is closed.
absl::Status WaitFor(int socket, short event, absl::Duration patience) {
  using Steady = std::chrono::steady_clock;
  const auto begun = Steady::now();
  for (;;) {
    // Short waits, so that signals which interrupt poll() do not extend the patience.
    pollfd wait{.fd = socket, .events = event, .revents = 0};
    const int ready = poll(&wait, 1, 1000);
    if (ready > 0) return absl::OkStatus();
    if (ready < 0 && errno != EINTR) return Closed();
    if (absl::FromChrono(Steady::now() - begun) > patience) {
      return absl::DeadlineExceededError("channel: the other process does not respond");
    }
  }
}

}  // namespace

FrameChannel::~FrameChannel() { close(socket_); }

void FrameChannel::Shutdown() { shutdown(socket_, SHUT_RDWR); }

absl::Status FrameChannel::Send(const google::protobuf::MessageLite& message,
                                absl::Duration patience) {
  if (message.ByteSizeLong() > kMostBytes)
    return absl::ResourceExhaustedError("channel: a message has more than 2 GiB");
  std::string frame(kLengthBytes, '\0');
  const uint64_t length = message.ByteSizeLong();
  for (size_t i = 0; i < kLengthBytes; ++i)
    frame[i] = static_cast<char>((length >> (8 * i)) & 0xff);
  if (!message.AppendToString(&frame))
    return absl::InternalError("channel: a message cannot be serialised");
  const MutexLock lock(sending_);
  return WriteWhole(frame, patience);
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

absl::Status FrameChannel::WriteWhole(std::string_view bytes, absl::Duration patience) {
  while (!bytes.empty()) {
    const ssize_t now = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (now >= 0) {
      bytes.remove_prefix(static_cast<size_t>(now));
    } else if (IsTemporary(errno)) {
      RETURN_IF_ERROR(WaitFor(socket_, POLLOUT, patience));
    } else {
      return Closed();
    }
  }
  return absl::OkStatus();
}

absl::Status FrameChannel::ReadWhole(char* bytes, size_t size, absl::Duration patience) {
  size_t got = 0;
  while (got < size) {
    RETURN_IF_ERROR(WaitFor(socket_, POLLIN, patience));
    const ssize_t now = recv(socket_, bytes + got, size - got, 0);
    if (now < 0 && IsTemporary(errno)) continue;
    if (now <= 0) return Closed();
    got += static_cast<size_t>(now);
  }
  return absl::OkStatus();
}

}  // namespace vico::worker
