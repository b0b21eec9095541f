#include "common/status.h"
#include "worker/process/forward.h"
#include "worker/process/messages.h"
#include "worker/process/payloads.h"

namespace vico::worker {

namespace wire = engine::v1;

wire::ToEngine RequestOf(const v1::GenerateSpec& spec, const GenerationInputs& inputs) {
  wire::ToEngine request;
  auto& generate = *request.mutable_generate();
  *generate.mutable_spec() = spec;
  if (inputs.adapter != nullptr) *generate.mutable_adapter() = inputs.adapter->adapter;
  generate.set_init_picture(inputs.init_picture);
  generate.set_mask_picture(inputs.mask_picture);
  return request;
}

absl::StatusOr<bool> ForwardGeneration(EngineCall& call, const GenerationInputs& inputs,
                                       const GenerateCallbacks& callbacks) {
  for (;;) {
    ASSIGN_OR_RETURN(wire::FromEngine message, call.Next());
    switch (message.what_case()) {
      case wire::FromEngine::kGenerateStep:
        RETURN_IF_ERROR(call.Answer(YesOrNo(callbacks.on_step(
            message.generate_step().step(), message.generate_step().total_steps()))));
        break;
      case wire::FromEngine::kFetchAdapter:
        if (inputs.adapter == nullptr) return call.Refuse(message);
        RETURN_IF_ERROR(call.Answer(AnswerWith(inputs.adapter->fetch())));
        break;
      case wire::FromEngine::kPreview:
        callbacks.on_preview(message.preview().picture_index(), message.preview().step(),
                             PictureIn(*message.mutable_preview()->mutable_picture()));
        break;
      case wire::FromEngine::kFinished:
        callbacks.on_picture(message.finished().picture_index(),
                             PictureIn(*message.mutable_finished()->mutable_picture()));
        break;
      case wire::FromEngine::kWarning:
        callbacks.on_warning(message.warning().reason(), message.warning().message());
        break;
      case wire::FromEngine::kGenerated:
        return message.generated().finished();
      case wire::FromEngine::kFailed:
        return FailureIn(message);
      default:
        return call.Refuse(message);
    }
  }
}

}  // namespace vico::worker
