#include <utility>

#include "common/status.h"
#include "worker/process/forward.h"
#include "worker/process/messages.h"
#include "worker/process/payloads.h"

namespace vico::worker {

namespace wire = engine::v1;

wire::ToEngine RequestOf(const v1::EvaluateSpec& spec, const AdapterSource& adapter,
                         const std::vector<std::string>& pictures) {
  wire::ToEngine request;
  auto& evaluate = *request.mutable_evaluate();
  *evaluate.mutable_spec() = spec;
  *evaluate.mutable_adapter() = adapter.adapter;
  evaluate.mutable_pictures()->Add(pictures.begin(), pictures.end());
  return request;
}

absl::StatusOr<EvaluatedAdapter> ForwardEvaluation(EngineCall& call, const AdapterSource& adapter,
                                                   const EvaluateCallbacks& callbacks) {
  for (;;) {
    ASSIGN_OR_RETURN(wire::FromEngine message, call.Next());
    switch (message.what_case()) {
      case wire::FromEngine::kGenerateStep:
        RETURN_IF_ERROR(call.Answer(YesOrNo(callbacks.on_step(
            message.generate_step().step(), message.generate_step().total_steps()))));
        break;
      case wire::FromEngine::kKeepGoing:
        RETURN_IF_ERROR(call.Answer(YesOrNo(callbacks.keep_going())));
        break;
      case wire::FromEngine::kFetchAdapter:
        RETURN_IF_ERROR(call.Answer(AnswerWith(adapter.fetch())));
        break;
      case wire::FromEngine::kWarning:
        callbacks.on_warning(message.warning().reason(), message.warning().message());
        break;
      case wire::FromEngine::kEvaluated: {
        auto& evaluated = *message.mutable_evaluated();
        return EvaluatedAdapter{.stopped = evaluated.stopped(),
                                .report = std::move(*evaluated.mutable_report()),
                                .sheet = PictureIn(*evaluated.mutable_sheet())};
      }
      case wire::FromEngine::kFailed:
        return FailureIn(message);
      default:
        return call.Refuse(message);
    }
  }
}

}  // namespace vico::worker
