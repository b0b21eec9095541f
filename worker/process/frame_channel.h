// Messages over one end of a stream socket: eight bytes of length, little-endian, then the
// serialised message.
#pragma once

#include <mutex>

#include <absl/status/status.h>
#include <absl/time/time.h>
#include <google/protobuf/message_lite.h>

namespace vico::worker {

class FrameChannel {
 public:
  /// Owns `socket`.
  explicit FrameChannel(int socket) : socket_(socket) {}
  ~FrameChannel();
  FrameChannel(const FrameChannel&) = delete;
  FrameChannel& operator=(const FrameChannel&) = delete;

  /// Any thread. kUnavailable when the other end is closed.
  absl::Status Send(const google::protobuf::MessageLite& message);

  /// One thread at a time. Waits up to `patience` for each next byte. kDeadlineExceeded when none
  /// comes, kUnavailable when the other end is closed, kDataLoss for what is no frame of ours.
  absl::Status Receive(google::protobuf::MessageLite& message,
                       absl::Duration patience = absl::InfiniteDuration());

 private:
  absl::Status ReadWhole(char* bytes, size_t size, absl::Duration patience);

  const int socket_;
  std::mutex sending_;
};

}  // namespace vico::worker
