// Messages over a stream socket. A frame is the length in eight bytes, little-endian, and then the
// serialised message.
#pragma once

#include <absl/status/status.h>
#include <absl/time/time.h>
#include <google/protobuf/message_lite.h>

#include "common/mutex.h"

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
  /// arrives, kUnavailable when the other end is closed, kDataLoss for an invalid frame.
  absl::Status Receive(google::protobuf::MessageLite& message,
                       absl::Duration patience = absl::InfiniteDuration());

 private:
  absl::Status ReadWhole(char* bytes, size_t size, absl::Duration patience);

  const int socket_;
  Mutex sending_;  // so that frames of two threads do not mix
};

}  // namespace vico::worker
