// The engine's end of one call: sends its notes and questions, and takes what the worker replies.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "common/mutex.h"
#include "vico/engine/v1/engine.pb.h"
#include "worker/engine/engine.h"
#include "worker/process/frame_channel.h"

namespace vico::worker {

/// Once the channel is broken, every question is answered with no, so that the call stops.
class ServedCall {
 public:
  /// Keeps `channel`.
  ServedCall(uint64_t number, FrameChannel& channel) : number_(number), channel_(channel) {}

  /// Any thread. Waits while kMostOpenNotes notes are open. A note that cannot be sent is left out.
  void Note(engine::v1::FromEngine note);
  void Warn(const std::string& reason, const std::string& message);

  /// One thread at a time.
  engine::v1::Answer Ask(engine::v1::FromEngine question);
  /// The answer, or the error in it.
  absl::StatusOr<engine::v1::Answer> Fetch(engine::v1::FromEngine question);
  absl::StatusOr<AdapterBytes> FetchAdapter();
  bool AskAfterDrawing(int64_t step, int64_t total_steps);  ///< a step of pictures

  /// Sends the call's last message. An end that is too large becomes a failure.
  void End(engine::v1::FromEngine end);

  /// The reading thread. Never waits. kDataLoss for a reply to nothing, or a request.
  absl::Status Take(engine::v1::ToEngine reply);
  /// The reading thread: no reply will come.
  void Break(const absl::Status& why);

 private:
  absl::Status Send(engine::v1::FromEngine& message);

  const uint64_t number_;
  FrameChannel& channel_;

  Mutex mutex_;
  CondVar changed_;
  absl::Status broken_ ABSL_GUARDED_BY(mutex_);
  int open_notes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool asks_ ABSL_GUARDED_BY(mutex_) = false;
  std::optional<engine::v1::Answer> answer_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace vico::worker
