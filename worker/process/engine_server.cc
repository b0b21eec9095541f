#include "worker/process/engine_server.h"

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/plain_text.h"
#include "common/status.h"
#include "vico/engine/v1/engine.pb.h"

namespace vico::worker {
namespace {

namespace wire = engine::v1;

void Set(const PngPicture& from, wire::Picture& to) {
  to.set_png(from.bytes);
  to.set_width(from.width);
  to.set_height(from.height);
}

/// One job, whose callbacks become messages. Once the channel is broken, every query is answered
/// with no, so that the job stops.
class Job {
 public:
  Job(Engine& engine, FrameChannel& channel) : engine_(engine), channel_(channel) {}
  ~Job() {
    if (saving_.joinable()) saving_.join();
  }

  absl::Status Train(const wire::Train& request) {
    const std::vector<std::string> pictures(request.pictures().begin(), request.pictures().end());
    const auto trained = engine_.Train(request.spec(), pictures, TrainingCallbacks(request));
    if (saving_.joinable()) saving_.join();  // its message must come before the result
    wire::FromEngine end;
    if (trained.ok()) {
      auto& result = *end.mutable_trained();
      result.set_stopped(trained->stopped);
      result.set_safetensors(trained->safetensors);
      result.set_peak_rss_mb(trained->peak_rss_mb);
    } else {
      *end.mutable_failed() = ToProto(trained.status());
    }
    end.set_loaded_adapters(engine_.load().loaded_adapters);
    return End(end);
  }

  absl::Status Generate(const wire::Generate& request) {
    AdapterSource source;
    source.adapter = request.adapter();
    source.fetch = [this] { return FetchAdapter(); };
    const auto generated = engine_.Generate(request.spec(),
                                            {.adapter = request.has_adapter() ? &source : nullptr,
                                             .init_picture = request.init_picture(),
                                             .mask_picture = request.mask_picture()},
                                            GenerationCallbacks());
    wire::FromEngine end;
    if (generated.ok()) {
      end.mutable_generated()->set_finished(*generated);
    } else {
      *end.mutable_failed() = ToProto(generated.status());
    }
    end.set_loaded_adapters(engine_.load().loaded_adapters);
    return End(end);
  }

  absl::Status Evaluate(const wire::Evaluate& request) {
    AdapterSource source;
    source.adapter = request.adapter();
    source.fetch = [this] { return FetchAdapter(); };
    const std::vector<std::string> pictures(request.pictures().begin(), request.pictures().end());
    const auto evaluated =
        engine_.Evaluate(request.spec(), source, pictures, EvaluationCallbacks());
    wire::FromEngine end;
    if (evaluated.ok()) {
      auto& result = *end.mutable_evaluated();
      result.set_stopped(evaluated->stopped);
      *result.mutable_report() = evaluated->report;
      Set(evaluated->sheet, *result.mutable_sheet());
    } else {
      *end.mutable_failed() = ToProto(evaluated.status());
    }
    end.set_loaded_adapters(engine_.load().loaded_adapters);
    return End(end);
  }

 private:
  TrainCallbacks TrainingCallbacks(const wire::Train& request) {
    TrainCallbacks callbacks;
    callbacks.on_step = [this](const TrainStep& step) {
      wire::FromEngine query;
      auto& fields = *query.mutable_train_step();
      fields.set_step(step.step);
      fields.set_total_steps(step.total_steps);
      fields.set_loss(step.loss);
      fields.set_loss_reg(step.loss_reg);
      return MayGoOn(query);
    };
    callbacks.finishes_early = [this] { return finishes_early_; };
    callbacks.keep_going = [this] { return KeepsGoing(); };
    callbacks.on_sample = [this](const TrainingSample& sample) {
      wire::FromEngine message;
      message.mutable_sample()->set_step(sample.step);
      message.mutable_sample()->set_prompt_index(sample.prompt_index);
      message.mutable_sample()->set_seed(sample.seed);
      Set(sample.picture, *message.mutable_sample()->mutable_picture());
      Notify(message);
    };
    callbacks.on_mask = [this](const LearnedMask& mask) {
      wire::FromEngine message;
      auto& fields = *message.mutable_mask();
      fields.set_step(mask.step);
      fields.set_picture_index(mask.picture_index);
      fields.set_png(mask.png);
      fields.set_coverage(mask.coverage);
      fields.set_site(mask.site);
      Notify(message);
    };
    callbacks.on_warning = [this](const std::string& reason, const std::string& message) {
      Warn(reason, message);
    };
    callbacks.on_resumed = [this](int64_t step, const std::vector<double>& losses) {
      wire::FromEngine message;
      message.mutable_resumed()->set_step(step);
      message.mutable_resumed()->mutable_losses()->Add(losses.begin(), losses.end());
      Notify(message);
    };
    callbacks.wants_checkpoint = [this](int64_t step, bool stopping) {
      wire::FromEngine query;
      query.mutable_wants_checkpoint()->set_step(step);
      query.mutable_wants_checkpoint()->set_stopping(stopping);
      return Ask(query).yes();
    };
    callbacks.on_checkpoint = [this](TrainCheckpoint checkpoint) { Save(std::move(checkpoint)); };
    callbacks.fetch_continued = [this]() -> absl::StatusOr<std::string> {
      ASSIGN_OR_RETURN(AdapterBytes bytes, FetchAdapter());
      return std::move(bytes.safetensors);
    };
    for (int i = 0; i < request.checkpoint_steps_size(); ++i) {
      callbacks.checkpoints.push_back(
          {.step = request.checkpoint_steps(i), .fetch = [this, i] { return FetchCheckpoint(i); }});
    }
    return callbacks;
  }

  GenerateCallbacks GenerationCallbacks() {
    GenerateCallbacks callbacks;
    callbacks.on_step = [this](int64_t step, int64_t total) { return DrawsOn(step, total); };
    callbacks.on_preview = [this](int picture_index, int64_t step, const PngPicture& picture) {
      wire::FromEngine message;
      message.mutable_preview()->set_picture_index(picture_index);
      message.mutable_preview()->set_step(step);
      Set(picture, *message.mutable_preview()->mutable_picture());
      Notify(message);
    };
    callbacks.on_picture = [this](int picture_index, const PngPicture& picture) {
      wire::FromEngine message;
      message.mutable_finished()->set_picture_index(picture_index);
      Set(picture, *message.mutable_finished()->mutable_picture());
      Notify(message);
    };
    callbacks.on_warning = [this](const std::string& reason, const std::string& message) {
      Warn(reason, message);
    };
    return callbacks;
  }

  EvaluateCallbacks EvaluationCallbacks() {
    EvaluateCallbacks callbacks;
    callbacks.on_step = [this](int64_t step, int64_t total) { return DrawsOn(step, total); };
    callbacks.keep_going = [this] { return KeepsGoing(); };
    callbacks.on_warning = [this](const std::string& reason, const std::string& message) {
      Warn(reason, message);
    };
    return callbacks;
  }

  /// After a sampling step.
  bool DrawsOn(int64_t step, int64_t total_steps) {
    wire::FromEngine query;
    query.mutable_generate_step()->set_step(step);
    query.mutable_generate_step()->set_total_steps(total_steps);
    return Ask(query).yes();
  }

  bool KeepsGoing() {
    wire::FromEngine query;
    query.mutable_keep_going();
    return MayGoOn(query);
  }

  bool MayGoOn(const wire::FromEngine& query) {
    const wire::Answer answer = Ask(query);
    finishes_early_ = finishes_early_ || answer.finish();
    return answer.yes();
  }

  absl::StatusOr<std::string> FetchCheckpoint(int index) {
    wire::FromEngine query;
    query.mutable_fetch_checkpoint()->set_index(index);
    ASSIGN_OR_RETURN(wire::Answer answer, Fetch(query));
    return std::move(*answer.mutable_bytes());
  }

  absl::StatusOr<AdapterBytes> FetchAdapter() {
    wire::FromEngine query;
    query.mutable_fetch_adapter();
    ASSIGN_OR_RETURN(wire::Answer answer, Fetch(query));
    return AdapterBytes{.safetensors = std::move(*answer.mutable_bytes()),
                        .reference = std::move(*answer.mutable_reference())};
  }

  // Serialises on a thread of its own, while the training continues.
  void Save(TrainCheckpoint checkpoint) {
    if (saving_.joinable()) saving_.join();
    saving_ = std::thread([this, checkpoint = std::move(checkpoint)] {
      absl::StatusOr<std::string> bytes = checkpoint.serialize();
      if (!bytes.ok()) return Warn("CHECKPOINT_NOT_KEPT", std::string(bytes.status().message()));
      wire::FromEngine message;
      message.mutable_checkpoint()->set_step(checkpoint.step);
      message.mutable_checkpoint()->set_bytes(*std::move(bytes));
      Notify(message);
    });
  }

  void Warn(const std::string& reason, const std::string& message) {
    wire::FromEngine warning;
    warning.mutable_warning()->set_reason(reason);
    warning.mutable_warning()->set_message(PlainText(message));
    Notify(warning);
  }

  // An error is not lost: the next query fails, too.
  void Notify(const wire::FromEngine& message) { channel_.Send(message).IgnoreError(); }

  wire::Answer Ask(const wire::FromEngine& query) {
    wire::ToEngine reply;
    if (broken_.ok()) broken_ = channel_.Send(query);
    if (broken_.ok()) broken_ = channel_.Receive(reply);
    if (broken_.ok() && !reply.has_answer())
      broken_ = absl::DataLossError("channel: expected an answer");
    if (!broken_.ok()) *reply.mutable_answer()->mutable_status() = ToProto(broken_);
    return std::move(*reply.mutable_answer());
  }

  absl::StatusOr<wire::Answer> Fetch(const wire::FromEngine& query) {
    wire::Answer answer = Ask(query);
    RETURN_IF_ERROR(FromProto(answer.status()));
    return answer;
  }

  absl::Status End(const wire::FromEngine& end) {
    RETURN_IF_ERROR(broken_);
    return channel_.Send(end);
  }

  Engine& engine_;
  FrameChannel& channel_;
  absl::Status broken_;
  bool finishes_early_ = false;
  std::thread saving_;
};

}  // namespace

absl::Status ServeEngine(Engine& engine, FrameChannel& channel) {
  wire::FromEngine hello;
  hello.mutable_hello()->set_device(engine.device());
  hello.mutable_hello()->set_devices(engine.devices());
  for (const BaseModelOffer& offer : engine.offers()) {
    auto& offered = *hello.mutable_hello()->add_offers();
    *offered.mutable_base_model() = offer.base_model;
    offered.set_vocabulary(offer.vocabulary);
    offered.set_merges(offer.merges);
    offered.set_added_tokens(offer.added_tokens);
  }
  RETURN_IF_ERROR(channel.Send(hello));
  for (;;) {
    wire::ToEngine request;
    const absl::Status received = channel.Receive(request);
    if (absl::IsUnavailable(received)) return absl::OkStatus();
    RETURN_IF_ERROR(received);
    Job job(engine, channel);
    switch (request.what_case()) {
      case wire::ToEngine::kTrain:
        RETURN_IF_ERROR(job.Train(request.train()));
        break;
      case wire::ToEngine::kGenerate:
        RETURN_IF_ERROR(job.Generate(request.generate()));
        break;
      case wire::ToEngine::kEvaluate:
        RETURN_IF_ERROR(job.Evaluate(request.evaluate()));
        break;
      default:
        return absl::DataLossError("channel: unexpected answer");
    }
  }
}

absl::Status RefuseToServe(const absl::Status& why, FrameChannel& channel) {
  wire::FromEngine refusal;
  *refusal.mutable_failed() = ToProto(why);
  return channel.Send(refusal);
}

}  // namespace vico::worker
