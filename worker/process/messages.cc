#include "worker/process/messages.h"

#include <fmt/format.h>

#include "common/status.h"

namespace vico::worker {

MessageKind KindOf(const engine::v1::FromEngine& message) {
  using engine::v1::FromEngine;
  switch (message.what_case()) {
    case FromEngine::kTrainStep:
    case FromEngine::kGenerateStep:
    case FromEngine::kKeepGoing:
    case FromEngine::kWantsCheckpoint:
    case FromEngine::kFetchCheckpoint:
    case FromEngine::kFetchAdapter:
      return MessageKind::kQuestion;
    case FromEngine::kSample:
    case FromEngine::kMask:
    case FromEngine::kWarning:
    case FromEngine::kResumed:
    case FromEngine::kCheckpoint:
    case FromEngine::kPreview:
    case FromEngine::kFinished:
      return MessageKind::kNote;
    case FromEngine::kTrained:
    case FromEngine::kGenerated:
    case FromEngine::kFailed:
    case FromEngine::kEvaluated:
      return MessageKind::kEnd;
    case FromEngine::kHello:
    case FromEngine::WHAT_NOT_SET:
      break;
  }
  return MessageKind::kNeither;
}

absl::Status Unexpected(const engine::v1::FromEngine& message) {
  return absl::DataLossError(fmt::format("channel: unexpected message {} of call {}",
                                         static_cast<int>(message.what_case()), message.call()));
}

absl::Status FailureIn(const engine::v1::FromEngine& failure) {
  absl::Status status = FromProto(failure.failed());
  if (!status.ok() && !status.message().empty()) return status;
  return absl::DataLossError("channel: a failure does not say what failed");
}

}  // namespace vico::worker
