#include "worker/process/call_inbox.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

namespace vico::worker {
namespace {

// A condition variable adds its time limit to the current time, which must not overflow.
constexpr absl::Duration kLongestWait = absl::Hours(24 * 365);

}  // namespace

absl::Status CallInbox::Put(engine::v1::FromEngine message) {
  const MutexLock lock(mutex_);
  switch (KindOf(message)) {
    case MessageKind::kQuestion:
      if (open_question_) return absl::DataLossError("channel: a question before the last answer");
      open_question_ = true;
      break;
    case MessageKind::kNote:
      if (open_notes_ == kMostOpenNotes) {
        return absl::DataLossError(
            fmt::format("channel: more than {} open notes of a call", kMostOpenNotes));
      }
      ++open_notes_;
      break;
    case MessageKind::kEnd:
      break;
    case MessageKind::kNeither:
      return Unexpected(message);
  }
  messages_.push_back(std::move(message));
  changed_.NotifyOne();
  return absl::OkStatus();
}

absl::StatusOr<engine::v1::FromEngine> CallInbox::Take(absl::Duration patience) {
  const MutexLock lock(mutex_);
  const bool changed =
      changed_.WaitFor(mutex_, absl::ToChronoNanoseconds(std::min(patience, kLongestWait)), [this] {
        mutex_.AssertHeld();
        return closed_ || !messages_.empty();
      });
  if (!changed) return absl::DeadlineExceededError("channel: the engine does not respond");
  if (messages_.empty()) return absl::UnavailableError("channel: the engine has ended");
  engine::v1::FromEngine message = std::move(messages_.front());
  messages_.pop_front();
  return message;
}

void CallInbox::Settle(MessageKind kind) {
  const MutexLock lock(mutex_);
  if (kind == MessageKind::kQuestion) open_question_ = false;
  if (kind == MessageKind::kNote) --open_notes_;
}

void CallInbox::Close() {
  const MutexLock lock(mutex_);
  closed_ = true;
  changed_.NotifyOne();
}

}  // namespace vico::worker
