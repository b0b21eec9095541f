// What the messages of an engine are: questions, notes or ends. engine.proto states the rules.
#pragma once

#include <absl/status/status.h>

#include "vico/engine/v1/engine.pb.h"

namespace vico::worker {

/// The most notes of a call that the worker has not handled.
inline constexpr int kMostOpenNotes = 16;

enum class MessageKind {
  kNeither,   ///< a hello, or nothing
  kQuestion,  ///< the call waits for the answer
  kNote,
  kEnd,  ///< the last message of its call
};

MessageKind KindOf(const engine::v1::FromEngine& message);

/// kDataLoss for a message that may not come here.
absl::Status Unexpected(const engine::v1::FromEngine& message);

/// The error that a failure contains; kDataLoss if it contains none.
absl::Status FailureIn(const engine::v1::FromEngine& failure);

}  // namespace vico::worker
