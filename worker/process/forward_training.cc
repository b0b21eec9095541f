#include <memory>
#include <utility>

#include "common/status.h"
#include "worker/process/forward.h"
#include "worker/process/messages.h"
#include "worker/process/payloads.h"

namespace vico::worker {
namespace {

namespace wire = engine::v1;

TrainStep StepIn(const wire::TrainStep& step) {
  return {.step = step.step(),
          .total_steps = step.total_steps(),
          .loss = step.loss(),
          .loss_reg = step.loss_reg()};
}

/// Whether a training goes on, and whether it is to finish early.
wire::Answer Continuing(bool goes_on, const TrainCallbacks& callbacks) {
  wire::Answer answer = YesOrNo(goes_on);
  answer.set_finish(goes_on && callbacks.finishes_early && callbacks.finishes_early());
  return answer;
}

/// The answer to a question; kDataLoss for one that this training may not ask.
absl::StatusOr<wire::Answer> AnswerTo(const wire::FromEngine& question,
                                      const TrainCallbacks& callbacks) {
  switch (question.what_case()) {
    case wire::FromEngine::kTrainStep:
      return Continuing(callbacks.on_step(StepIn(question.train_step())), callbacks);
    case wire::FromEngine::kKeepGoing:
      return Continuing(callbacks.keep_going(), callbacks);
    case wire::FromEngine::kWantsCheckpoint:
      return YesOrNo(callbacks.wants_checkpoint &&
                     callbacks.wants_checkpoint(question.wants_checkpoint().step(),
                                                question.wants_checkpoint().stopping()));
    case wire::FromEngine::kFetchCheckpoint: {
      const auto index = static_cast<size_t>(question.fetch_checkpoint().index());
      if (index >= callbacks.checkpoints.size()) return Unexpected(question);
      return AnswerWith(callbacks.checkpoints[index].fetch());
    }
    case wire::FromEngine::kFetchAdapter:
      if (!callbacks.fetch_continued) return Unexpected(question);
      return AnswerWith(callbacks.fetch_continued());
    default:
      return Unexpected(question);
  }
}

void PassCheckpoint(wire::Checkpoint& checkpoint, const TrainCallbacks& callbacks) {
  auto bytes = std::make_shared<std::string>(std::move(*checkpoint.mutable_bytes()));
  callbacks.on_checkpoint(
      {.step = checkpoint.step(),
       .serialize = [bytes]() -> absl::StatusOr<std::string> { return std::move(*bytes); }});
}

/// Passes a note of a training to its callback. False for a note of another kind of call.
bool Pass(wire::FromEngine& note, const TrainCallbacks& callbacks) {
  switch (note.what_case()) {
    case wire::FromEngine::kSample: {
      auto& sample = *note.mutable_sample();
      callbacks.on_sample({.step = sample.step(),
                           .prompt_index = sample.prompt_index(),
                           .seed = sample.seed(),
                           .picture = PictureIn(*sample.mutable_picture())});
      return true;
    }
    case wire::FromEngine::kMask: {
      auto& mask = *note.mutable_mask();
      callbacks.on_mask({.step = mask.step(),
                         .picture_index = mask.picture_index(),
                         .png = std::move(*mask.mutable_png()),
                         .coverage = mask.coverage(),
                         .site = mask.site()});
      return true;
    }
    case wire::FromEngine::kWarning:
      callbacks.on_warning(note.warning().reason(), note.warning().message());
      return true;
    case wire::FromEngine::kResumed: {
      const auto& resumed = note.resumed();
      if (callbacks.on_resumed)
        callbacks.on_resumed(resumed.step(), {resumed.losses().begin(), resumed.losses().end()});
      return true;
    }
    case wire::FromEngine::kCheckpoint:
      if (!callbacks.on_checkpoint) return false;
      PassCheckpoint(*note.mutable_checkpoint(), callbacks);
      return true;
    default:
      return false;
  }
}

TrainedAdapter ResultIn(wire::Trained& trained) {
  return {.stopped = trained.stopped(),
          .safetensors = std::move(*trained.mutable_safetensors()),
          .peak_rss_mb = trained.peak_rss_mb()};
}

}  // namespace

wire::ToEngine RequestOf(const v1::TrainSpec& spec, const std::vector<std::string>& pictures,
                         const TrainCallbacks& callbacks) {
  wire::ToEngine request;
  auto& train = *request.mutable_train();
  *train.mutable_spec() = spec;
  train.mutable_pictures()->Add(pictures.begin(), pictures.end());
  for (const CheckpointSource& source : callbacks.checkpoints) {
    train.add_checkpoint_steps(source.step);
  }
  return request;
}

absl::StatusOr<TrainedAdapter> ForwardTraining(EngineCall& call, const TrainCallbacks& callbacks) {
  for (;;) {
    ASSIGN_OR_RETURN(wire::FromEngine message, call.Next());
    if (message.has_failed()) return FailureIn(message);
    if (message.has_trained()) return ResultIn(*message.mutable_trained());
    if (KindOf(message) == MessageKind::kQuestion) {
      absl::StatusOr<wire::Answer> answer = AnswerTo(message, callbacks);
      if (!answer.ok()) return call.Refuse(message);
      RETURN_IF_ERROR(call.Answer(*std::move(answer)));
    } else if (!Pass(message, callbacks)) {
      return call.Refuse(message);
    }
  }
}

}  // namespace vico::worker
