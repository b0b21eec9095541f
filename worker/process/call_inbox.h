// What the engine has sent to one call and the call has not taken yet.
#pragma once

#include <deque>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "common/mutex.h"
#include "vico/engine/v1/engine.pb.h"
#include "worker/process/messages.h"

namespace vico::worker {

/// Any thread. Holds at most kMostOpenNotes notes, one question and one end.
class CallInbox {
 public:
  /// Never waits. kDataLoss for a second question while one is open, for more open notes than that,
  /// and for a message that is none of these.
  absl::Status Put(engine::v1::FromEngine message);

  /// The next message. After Close() the remaining ones, and then kUnavailable. kDeadlineExceeded
  /// when none comes for `patience`.
  absl::StatusOr<engine::v1::FromEngine> Take(absl::Duration patience);

  /// A taken note or question is handled: the engine may send another. Call it before the engine
  /// learns of it.
  void Settle(MessageKind kind);

  void Close();

 private:
  Mutex mutex_;
  CondVar changed_;
  std::deque<engine::v1::FromEngine> messages_ ABSL_GUARDED_BY(mutex_);
  int open_notes_ ABSL_GUARDED_BY(mutex_) = 0;
  bool open_question_ ABSL_GUARDED_BY(mutex_) = false;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace vico::worker
