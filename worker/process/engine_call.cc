#include "worker/process/engine_call.h"

#include <string>
#include <utility>

#include <fmt/format.h>

#include "common/status.h"
#include "worker/engine/engine.h"

namespace vico::worker {

namespace wire = engine::v1;

absl::StatusOr<std::unique_ptr<EngineCall>> EngineCall::Begin(
    std::shared_ptr<EngineConnection> connection, wire::ToEngine request, absl::Duration hang) {
  std::unique_ptr<EngineCall> call(new EngineCall(std::move(connection), hang));
  RETURN_IF_ERROR(call->Send(std::move(request)));
  return call;
}

absl::StatusOr<wire::FromEngine> EngineCall::Next() {
  RETURN_IF_ERROR(ConfirmNote());
  absl::StatusOr<wire::FromEngine> message = call_.inbox->Take(hang_);
  if (!message.ok()) return HandleLoss(message.status());
  took_note_ = KindOf(*message) == MessageKind::kNote;
  return message;
}

absl::Status EngineCall::ConfirmNote() {
  if (!std::exchange(took_note_, false)) return absl::OkStatus();
  call_.inbox->Settle(MessageKind::kNote);
  wire::ToEngine message;
  message.set_call(call_.number);
  message.mutable_received();
  const absl::Status sent = connection_->Send(message, hang_);
  // The inbox may still have messages of an engine that has ended.
  return absl::IsDeadlineExceeded(sent) ? HandleLoss(sent) : absl::OkStatus();
}

absl::Status EngineCall::Answer(wire::Answer answer) {
  call_.inbox->Settle(MessageKind::kQuestion);
  wire::ToEngine message;
  *message.mutable_answer() = std::move(answer);
  absl::Status sent = Send(message);
  if (!absl::IsResourceExhausted(sent)) return sent;
  message.mutable_answer()->Clear();
  *message.mutable_answer()->mutable_status() = ToProto(sent);
  return Send(std::move(message));
}

absl::Status EngineCall::Refuse(const wire::FromEngine& message) {
  return HandleLoss(Unexpected(message));
}

absl::Status EngineCall::Send(wire::ToEngine message) {
  message.set_call(call_.number);
  const absl::Status sent = connection_->Send(message, hang_);
  return sent.ok() || absl::IsResourceExhausted(sent) ? sent : HandleLoss(sent);
}

absl::Status EngineCall::HandleLoss(const absl::Status& why) {
  const std::string how = connection_->End(why);
  const bool hung = absl::IsDeadlineExceeded(why);
  return Error(absl::StatusCode::kUnavailable,
               hung ? fmt::format("the engine sent nothing for {} s", absl::ToDoubleSeconds(hang_))
                    : fmt::format("the engine died: {}", how),
               hung ? kEngineHung : kEngineDied);
}

}  // namespace vico::worker
