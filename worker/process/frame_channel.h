// Messages over a stream socket. A frame is the length in eight bytes, little-endian, and then the
// serialised message.
#pragma once

#include <string_view>

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

  /// Any thread. Waits up to `patience` for the other end to take the next bytes.
  /// kDeadlineExceeded when it takes none, after which the channel is of no use; kUnavailable when
  /// the other end is closed; kResourceExhausted for a message of more than 2 GiB, of which nothing
  /// is sent.
  absl::Status Send(const google::protobuf::MessageLite& message,
                    absl::Duration patience = absl::InfiniteDuration());

  /// One thread at a time. Waits up to `patience` for each next byte. kDeadlineExceeded when none
  /// arrives, kUnavailable when the other end is closed, kDataLoss for an invalid frame.
  absl::Status Receive(google::protobuf::MessageLite& message,
                       absl::Duration patience = absl::InfiniteDuration());

  /// Any thread. Closes both directions: whoever waits in Send() or Receive() gets kUnavailable.
  void Shutdown();

 private:
  absl::Status WriteWhole(std::string_view bytes, absl::Duration patience)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(sending_);
  absl::Status ReadWhole(char* bytes, size_t size, absl::Duration patience);

  const int socket_;
  Mutex sending_;  // so that frames of two threads do not mix
};

}  // namespace vico::worker
