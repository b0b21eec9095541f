// The worker's end of one call: sends its request and takes the engine's messages one by one.
#pragma once

#include <memory>

#include <absl/status/status.h>
#include <absl/status/statusor.h>
#include <absl/time/time.h>

#include "vico/engine/v1/engine.pb.h"
#include "worker/process/engine_connection.h"

namespace vico::worker {

/// The thread that makes the call. If the engine is lost, each method returns kUnavailable with
/// reason ENGINE_DIED, or ENGINE_HUNG if this call found that it hangs. All of its calls end then.
class EngineCall {
 public:
  /// Sends the request. `hang`: how long the engine may send nothing for this call, or read
  /// nothing, before it is killed. kResourceExhausted when the request is too large.
  static absl::StatusOr<std::unique_ptr<EngineCall>> Begin(
      std::shared_ptr<EngineConnection> connection, engine::v1::ToEngine request,
      absl::Duration hang);
  ~EngineCall() { connection_->calls().Forget(call_.number); }
  EngineCall(const EngineCall&) = delete;
  EngineCall& operator=(const EngineCall&) = delete;

  /// The engine's next message. Tells the engine that the last one is handled if it was a note.
  absl::StatusOr<engine::v1::FromEngine> Next();

  /// Answers the question that Next() returned. An answer that is too large to be sent becomes an
  /// error for the engine.
  absl::Status Answer(engine::v1::Answer answer);

  /// Ends the engine, which must not send this message in this call.
  absl::Status Refuse(const engine::v1::FromEngine& message);

 private:
  EngineCall(std::shared_ptr<EngineConnection> connection, absl::Duration hang)
      : connection_(std::move(connection)), hang_(hang), call_(connection_->calls().Open()) {}
  absl::Status Send(engine::v1::ToEngine message);
  absl::Status ConfirmNote();
  absl::Status HandleLoss(const absl::Status& why);

  const std::shared_ptr<EngineConnection> connection_;
  const absl::Duration hang_;
  const OpenCall call_;
  bool took_note_ = false;  // that is not confirmed
};

}  // namespace vico::worker
