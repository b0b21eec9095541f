#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "common/status.h"
#include "worker/process/payloads.h"
#include "worker/serving/serve.h"

namespace vico::worker {
namespace {

namespace wire = engine::v1;

/// A training's callbacks.
class ServedTraining {
 public:
  explicit ServedTraining(ServedCall& call) : call_(call) {}
  ~ServedTraining() { WaitForCheckpoint(); }
  ServedTraining(const ServedTraining&) = delete;
  ServedTraining& operator=(const ServedTraining&) = delete;

  TrainCallbacks Callbacks(const wire::Train& request) {
    TrainCallbacks callbacks;
    callbacks.on_step = [this](const TrainStep& step) { return GoesOnAfter(step); };
    callbacks.finishes_early = [this] { return finishes_early_; };
    callbacks.keep_going = [this] {
      wire::FromEngine question;
      question.mutable_keep_going();
      return GoesOn(std::move(question));
    };
    callbacks.on_sample = [this](const TrainingSample& sample) { NoteSample(sample); };
    callbacks.on_mask = [this](const LearnedMask& mask) { NoteMask(mask); };
    callbacks.on_warning = [this](const std::string& reason, const std::string& message) {
      call_.Warn(reason, message);
    };
    callbacks.on_resumed = [this](int64_t step, const std::vector<double>& losses) {
      wire::FromEngine note;
      note.mutable_resumed()->set_step(step);
      note.mutable_resumed()->mutable_losses()->Add(losses.begin(), losses.end());
      call_.Note(std::move(note));
    };
    callbacks.wants_checkpoint = [this](int64_t step, bool stopping) {
      wire::FromEngine question;
      question.mutable_wants_checkpoint()->set_step(step);
      question.mutable_wants_checkpoint()->set_stopping(stopping);
      return call_.Ask(std::move(question)).yes();
    };
    callbacks.on_checkpoint = [this](TrainCheckpoint checkpoint) { Save(std::move(checkpoint)); };
    callbacks.fetch_continued = [this]() -> absl::StatusOr<std::string> {
      ASSIGN_OR_RETURN(AdapterBytes bytes, call_.FetchAdapter());
      return std::move(bytes.safetensors);
    };
    for (int i = 0; i < request.checkpoint_steps_size(); ++i) {
      callbacks.checkpoints.push_back(
          {.step = request.checkpoint_steps(i), .fetch = [this, i] { return FetchCheckpoint(i); }});
    }
    return callbacks;
  }

  void WaitForCheckpoint() {
    if (saving_.joinable()) saving_.join();
  }

 private:
  bool GoesOnAfter(const TrainStep& step) {
    wire::FromEngine question;
    auto& fields = *question.mutable_train_step();
    fields.set_step(step.step);
    fields.set_total_steps(step.total_steps);
    fields.set_loss(step.loss);
    fields.set_loss_reg(step.loss_reg);
    return GoesOn(std::move(question));
  }

  bool GoesOn(wire::FromEngine question) {
    const wire::Answer answer = call_.Ask(std::move(question));
    finishes_early_ = finishes_early_ || answer.finish();
    return answer.yes();
  }

  void NoteSample(const TrainingSample& sample) {
    wire::FromEngine note;
    auto& fields = *note.mutable_sample();
    fields.set_step(sample.step);
    fields.set_prompt_index(sample.prompt_index);
    fields.set_seed(sample.seed);
    SetPicture(sample.picture, *fields.mutable_picture());
    call_.Note(std::move(note));
  }

  void NoteMask(const LearnedMask& mask) {
    wire::FromEngine note;
    auto& fields = *note.mutable_mask();
    fields.set_step(mask.step);
    fields.set_picture_index(mask.picture_index);
    fields.set_png(mask.png);
    fields.set_coverage(mask.coverage);
    fields.set_site(mask.site);
    call_.Note(std::move(note));
  }

  absl::StatusOr<std::string> FetchCheckpoint(int index) {
    wire::FromEngine question;
    question.mutable_fetch_checkpoint()->set_index(index);
    ASSIGN_OR_RETURN(wire::Answer answer, call_.Fetch(std::move(question)));
    return std::move(*answer.mutable_bytes());
  }

  // Serialises on a thread of its own, while the training continues.
  void Save(TrainCheckpoint checkpoint) {
    WaitForCheckpoint();
    saving_ = std::thread([this, checkpoint = std::move(checkpoint)] {
      absl::StatusOr<std::string> bytes = checkpoint.serialize();
      if (!bytes.ok()) {
        call_.Warn("CHECKPOINT_NOT_KEPT", std::string(bytes.status().message()));
        return;
      }
      wire::FromEngine note;
      note.mutable_checkpoint()->set_step(checkpoint.step);
      note.mutable_checkpoint()->set_bytes(*std::move(bytes));
      call_.Note(std::move(note));
    });
  }

  ServedCall& call_;
  bool finishes_early_ = false;
  std::thread saving_;
};

}  // namespace

wire::FromEngine ServeTraining(Engine& engine, ServedCall& call, const wire::Train& request) {
  ServedTraining training(call);
  auto trained =
      engine.Train(request.spec(), {request.pictures().begin(), request.pictures().end()},
                   training.Callbacks(request));
  training.WaitForCheckpoint();  // its note comes before the end
  wire::FromEngine end;
  if (trained.ok()) {
    auto& result = *end.mutable_trained();
    result.set_stopped(trained->stopped);
    result.set_safetensors(std::move(trained->safetensors));
    result.set_peak_rss_mb(trained->peak_rss_mb);
  } else {
    *end.mutable_failed() = ToProto(trained.status());
  }
  return end;
}

}  // namespace vico::worker
