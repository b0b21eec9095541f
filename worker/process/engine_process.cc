#include "worker/process/engine_process.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "common/process/resident_bytes.h"
#include "common/status.h"

namespace vico::worker {
namespace {

namespace wire = engine::v1;

PngPicture Picture(wire::Picture& from) {
  return {.bytes = std::move(*from.mutable_png()), .width = from.width(), .height = from.height()};
}

absl::Status Unexpected(const wire::FromEngine& message) {
  return absl::DataLossError(
      fmt::format("channel: unexpected message {}", static_cast<int>(message.what_case())));
}

/// The error that the engine reports.
absl::Status FailureIn(const wire::FromEngine& message) {
  absl::Status failure = FromProto(message.failed());
  if (failure.ok() || failure.message().empty()) {
    return absl::DataLossError("channel: a failure does not say what failed");
  }
  return failure;
}

bool AreSame(const std::vector<BaseModelOffer>& a, const std::vector<BaseModelOffer>& b) {
  return std::ranges::equal(a, b, [](const BaseModelOffer& x, const BaseModelOffer& y) {
    return x.base_model.name() == y.base_model.name() &&
           x.base_model.digest() == y.base_model.digest();
  });
}

/// Passes a message of a training to its callback. False for a message of another kind.
bool Dispatch(wire::FromEngine& message, const TrainCallbacks& callbacks) {
  switch (message.what_case()) {
    case wire::FromEngine::kSample:
      callbacks.on_sample({.step = message.sample().step(),
                           .prompt_index = message.sample().prompt_index(),
                           .seed = message.sample().seed(),
                           .picture = Picture(*message.mutable_sample()->mutable_picture())});
      return true;
    case wire::FromEngine::kMask: {
      auto& mask = *message.mutable_mask();
      callbacks.on_mask({.step = mask.step(),
                         .picture_index = mask.picture_index(),
                         .png = std::move(*mask.mutable_png()),
                         .coverage = mask.coverage(),
                         .site = mask.site()});
      return true;
    }
    case wire::FromEngine::kWarning:
      callbacks.on_warning(message.warning().reason(), message.warning().message());
      return true;
    case wire::FromEngine::kResumed:
      if (callbacks.on_resumed) {
        callbacks.on_resumed(message.resumed().step(), {message.resumed().losses().begin(),
                                                        message.resumed().losses().end()});
      }
      return true;
    case wire::FromEngine::kCheckpoint: {
      auto bytes =
          std::make_shared<std::string>(std::move(*message.mutable_checkpoint()->mutable_bytes()));
      callbacks.on_checkpoint(
          {.step = message.checkpoint().step(),
           .serialize = [bytes]() -> absl::StatusOr<std::string> { return std::move(*bytes); }});
      return true;
    }
    default:
      return false;
  }
}

bool Dispatch(wire::FromEngine& message, const GenerateCallbacks& callbacks) {
  switch (message.what_case()) {
    case wire::FromEngine::kPreview:
      callbacks.on_preview(message.preview().picture_index(), message.preview().step(),
                           Picture(*message.mutable_preview()->mutable_picture()));
      return true;
    case wire::FromEngine::kFinished:
      callbacks.on_picture(message.finished().picture_index(),
                           Picture(*message.mutable_finished()->mutable_picture()));
      return true;
    case wire::FromEngine::kWarning:
      callbacks.on_warning(message.warning().reason(), message.warning().message());
      return true;
    default:
      return false;
  }
}

/// Whether a training goes on, and whether it is to finish early.
wire::Answer Continuing(bool goes_on, const TrainCallbacks& callbacks) {
  wire::Answer answer;
  answer.set_yes(goes_on);
  answer.set_finish(goes_on && callbacks.finishes_early && callbacks.finishes_early());
  return answer;
}

wire::Answer AnswerWith(absl::StatusOr<std::string> bytes) {
  wire::Answer answer;
  *answer.mutable_status() = ToProto(bytes.status());
  if (bytes.ok()) answer.set_bytes(*std::move(bytes));
  return answer;
}

wire::Answer AnswerWith(absl::StatusOr<AdapterBytes> adapter) {
  wire::Answer answer;
  *answer.mutable_status() = ToProto(adapter.status());
  if (adapter.ok()) {
    answer.set_bytes(std::move(adapter->safetensors));
    answer.set_reference(std::move(adapter->reference));
  }
  return answer;
}

}  // namespace

absl::StatusOr<std::unique_ptr<EngineProcess>> EngineProcess::Open(
    const EngineProcessOptions& options, const Log& log) {
  std::unique_ptr<EngineProcess> process(new EngineProcess(options, log));
  RETURN_IF_ERROR(process->Start());
  return process;
}

EngineLoad EngineProcess::load() const {
  const pid_t pid = running_;
  return {.memory_bytes = pid == 0 ? 0 : ResidentBytes(pid), .loaded_adapters = loaded_adapters_};
}

absl::Status EngineProcess::Start() {
  running_ = 0;
  loaded_adapters_ = 0;
  child_ = nullptr;  // before the new one starts: two would need the memory twice
  ASSIGN_OR_RETURN(child_, Child::Start(options_.command));
  running_ = child_->pid();
  wire::FromEngine hello;
  if (const absl::Status status = child_->channel().Receive(hello, options_.start); !status.ok()) {
    const std::string how = child_->End();
    child_ = nullptr;
    return absl::UnavailableError(fmt::format("{}: did not start: {}, {}", options_.command.front(),
                                              std::string(status.message()), how));
  }
  if (!hello.has_hello()) {
    child_ = nullptr;
    return hello.has_failed() ? FailureIn(hello) : Unexpected(hello);
  }
  std::vector<BaseModelOffer> offers;
  for (wire::Offer& offer : *hello.mutable_hello()->mutable_offers()) {
    offers.push_back({.base_model = std::move(*offer.mutable_base_model()),
                      .vocabulary = std::move(*offer.mutable_vocabulary()),
                      .merges = std::move(*offer.mutable_merges()),
                      .added_tokens = std::move(*offer.mutable_added_tokens())});
  }
  if (!offers_.empty() && !AreSame(offers_, offers)) {
    child_ = nullptr;
    return absl::FailedPreconditionError(
        "the base models have changed on disk; start the worker again");
  }
  offers_ = std::move(offers);
  device_ = hello.hello().device();
  devices_ = std::max(1, hello.hello().devices());
  return absl::OkStatus();
}

absl::Status EngineProcess::Ready() { return child_ == nullptr ? Start() : absl::OkStatus(); }

absl::Status EngineProcess::Restart() { return Start(); }

absl::StatusOr<TrainedAdapter> EngineProcess::Train(const v1::TrainSpec& spec,
                                                    const std::vector<std::string>& pictures,
                                                    const TrainCallbacks& callbacks) {
  wire::ToEngine request;
  *request.mutable_train()->mutable_spec() = spec;
  for (const std::string& picture : pictures) request.mutable_train()->add_pictures(picture);
  for (const CheckpointSource& source : callbacks.checkpoints) {
    request.mutable_train()->add_checkpoint_steps(source.step);
  }
  RETURN_IF_ERROR(Ready());
  RETURN_IF_ERROR(Send(request));
  for (;;) {
    wire::FromEngine message;
    RETURN_IF_ERROR(Receive(message));
    switch (message.what_case()) {
      case wire::FromEngine::kTrainStep: {
        const auto& step = message.train_step();
        RETURN_IF_ERROR(Answer(Continuing(callbacks.on_step({.step = step.step(),
                                                             .total_steps = step.total_steps(),
                                                             .loss = step.loss(),
                                                             .loss_reg = step.loss_reg()}),
                                          callbacks)));
        break;
      }
      case wire::FromEngine::kKeepGoing:
        RETURN_IF_ERROR(Answer(Continuing(callbacks.keep_going(), callbacks)));
        break;
      case wire::FromEngine::kWantsCheckpoint: {
        const auto& query = message.wants_checkpoint();
        RETURN_IF_ERROR(Answer(callbacks.wants_checkpoint &&
                               callbacks.wants_checkpoint(query.step(), query.stopping())));
        break;
      }
      case wire::FromEngine::kFetchCheckpoint: {
        const auto index = static_cast<size_t>(message.fetch_checkpoint().index());
        if (index >= callbacks.checkpoints.size()) return HandleLoss(Unexpected(message));
        RETURN_IF_ERROR(Answer(AnswerWith(callbacks.checkpoints[index].fetch())));
        break;
      }
      case wire::FromEngine::kFetchAdapter:
        if (!callbacks.fetch_continued) return HandleLoss(Unexpected(message));
        RETURN_IF_ERROR(Answer(AnswerWith(callbacks.fetch_continued())));
        break;
      case wire::FromEngine::kTrained: {
        auto& trained = *message.mutable_trained();
        return TrainedAdapter{.stopped = trained.stopped(),
                              .safetensors = std::move(*trained.mutable_safetensors()),
                              .peak_rss_mb = trained.peak_rss_mb()};
      }
      case wire::FromEngine::kFailed:
        return FailureIn(message);
      default:
        if (!Dispatch(message, callbacks)) return HandleLoss(Unexpected(message));
    }
  }
}

absl::StatusOr<bool> EngineProcess::Generate(const v1::GenerateSpec& spec,
                                             const GenerationInputs& inputs,
                                             const GenerateCallbacks& callbacks) {
  wire::ToEngine request;
  auto& generate = *request.mutable_generate();
  *generate.mutable_spec() = spec;
  if (inputs.adapter != nullptr) *generate.mutable_adapter() = inputs.adapter->adapter;
  generate.set_init_picture(inputs.init_picture);
  generate.set_mask_picture(inputs.mask_picture);
  RETURN_IF_ERROR(Ready());
  RETURN_IF_ERROR(Send(request));
  for (;;) {
    wire::FromEngine message;
    RETURN_IF_ERROR(Receive(message));
    switch (message.what_case()) {
      case wire::FromEngine::kGenerateStep:
        RETURN_IF_ERROR(Answer(callbacks.on_step(message.generate_step().step(),
                                                 message.generate_step().total_steps())));
        break;
      case wire::FromEngine::kFetchAdapter:
        if (inputs.adapter == nullptr) return HandleLoss(Unexpected(message));
        RETURN_IF_ERROR(Answer(AnswerWith(inputs.adapter->fetch())));
        break;
      case wire::FromEngine::kGenerated:
        return message.generated().finished();
      case wire::FromEngine::kFailed:
        return FailureIn(message);
      default:
        if (!Dispatch(message, callbacks)) return HandleLoss(Unexpected(message));
    }
  }
}

absl::StatusOr<EvaluatedAdapter> EngineProcess::Evaluate(const v1::EvaluateSpec& spec,
                                                         const AdapterSource& adapter,
                                                         const std::vector<std::string>& pictures,
                                                         const EvaluateCallbacks& callbacks) {
  wire::ToEngine request;
  auto& evaluate = *request.mutable_evaluate();
  *evaluate.mutable_spec() = spec;
  *evaluate.mutable_adapter() = adapter.adapter;
  evaluate.mutable_pictures()->Add(pictures.begin(), pictures.end());
  RETURN_IF_ERROR(Ready());
  RETURN_IF_ERROR(Send(request));
  for (;;) {
    wire::FromEngine message;
    RETURN_IF_ERROR(Receive(message));
    switch (message.what_case()) {
      case wire::FromEngine::kGenerateStep:
        RETURN_IF_ERROR(Answer(callbacks.on_step(message.generate_step().step(),
                                                 message.generate_step().total_steps())));
        break;
      case wire::FromEngine::kKeepGoing:
        RETURN_IF_ERROR(Answer(callbacks.keep_going()));
        break;
      case wire::FromEngine::kFetchAdapter:
        RETURN_IF_ERROR(Answer(AnswerWith(adapter.fetch())));
        break;
      case wire::FromEngine::kWarning:
        callbacks.on_warning(message.warning().reason(), message.warning().message());
        break;
      case wire::FromEngine::kEvaluated: {
        auto& evaluated = *message.mutable_evaluated();
        return EvaluatedAdapter{.stopped = evaluated.stopped(),
                                .report = std::move(*evaluated.mutable_report()),
                                .sheet = Picture(*evaluated.mutable_sheet())};
      }
      case wire::FromEngine::kFailed:
        return FailureIn(message);
      default:
        return HandleLoss(Unexpected(message));
    }
  }
}

absl::Status EngineProcess::Send(const wire::ToEngine& message) {
  const absl::Status sent = child_->channel().Send(message);
  return sent.ok() ? sent : HandleLoss(sent);
}

absl::Status EngineProcess::Receive(wire::FromEngine& message) {
  absl::Status received = child_->channel().Receive(message, hang_);
  if (!received.ok()) return HandleLoss(received);
  if (message.has_trained() || message.has_generated() || message.has_evaluated() ||
      message.has_failed()) {
    loaded_adapters_ = message.loaded_adapters();
  }
  return received;
}

absl::Status EngineProcess::Answer(wire::Answer answer) {
  wire::ToEngine reply;
  *reply.mutable_answer() = std::move(answer);
  return Send(reply);
}

absl::Status EngineProcess::Answer(bool yes) {
  wire::Answer answer;
  answer.set_yes(yes);
  return Answer(std::move(answer));
}

absl::Status EngineProcess::HandleLoss(const absl::Status& why) {
  const bool hung = absl::IsDeadlineExceeded(why);
  running_ = 0;
  loaded_adapters_ = 0;
  const std::string how = child_->End();
  child_ = nullptr;
  log_.Error(hung ? "the engine hung and was killed" : "the engine died",
             {{"end", how}, {"error", std::string(why.message())}});
  return Error(absl::StatusCode::kUnavailable,
               hung ? fmt::format("the engine sent nothing for {} s", absl::ToDoubleSeconds(hang_))
                    : fmt::format("the engine died: {}", how),
               hung ? kEngineHung : kEngineDied);
}

}  // namespace vico::worker
