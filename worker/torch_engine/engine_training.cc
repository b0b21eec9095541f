#include "worker/torch_engine/engine_training.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>
#include <sys/resource.h>

#include "common/crypto/sha256.h"
#include "common/status.h"
#include "worker/engine/train_options.h"
#include "worker/io/image.h"
#include "worker/model/finite.h"
#include "worker/torch_engine/training_checkpoint.h"
#include "worker/torch_engine/training_preview.h"
#include "worker/train/trainer.h"

namespace vico::worker {
namespace {

double PeakRssMb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;  // ru_maxrss is in KiB
}

absl::StatusOr<torch::Tensor> LoadPictures(const std::vector<std::string>& pictures, int side,
                                           Fit fit) {
  std::vector<torch::Tensor> squares;
  for (size_t i = 0; i < pictures.size(); ++i) {
    auto square = LoadSquare(pictures[i], side, fit);
    if (!square.ok()) {
      return absl::Status(
          square.status().code(),
          ToAbsl(fmt::format("picture {}: {}", i, std::string(square.status().message()))));
    }
    squares.push_back(*std::move(square));
  }
  return torch::stack(squares);
}

/// The newest checkpoint of this training; nothing if it has to start from the beginning.
absl::StatusOr<std::optional<TrainingCheckpoint>> FindCheckpoint(const TrainingIdentity& identity,
                                                                 int64_t continued_steps,
                                                                 const TrainCallbacks& callbacks) {
  for (const CheckpointSource& source : callbacks.checkpoints) {
    absl::StatusOr<std::string> bytes = source.fetch();
    if (absl::IsAborted(bytes.status()) || absl::IsCancelled(bytes.status())) return bytes.status();
    const auto checkpoint = bytes.ok()
                                ? ParseCheckpoint(*std::move(bytes), identity, continued_steps)
                                : absl::StatusOr<TrainingCheckpoint>(bytes.status());
    if (checkpoint.ok()) return *checkpoint;
    callbacks.on_warning("CHECKPOINT_PASSED_OVER",
                         fmt::format("the checkpoint at step {} was not used: {}", source.step,
                                     std::string(checkpoint.status().message())));
  }
  return std::nullopt;
}

/// The state of a training that continues from an adapter's weights.
absl::StatusOr<TrainingCheckpoint> StartFromWeights(const LoadedBase& loaded,
                                                    const v1::TrainSpec& spec,
                                                    const TrainCallbacks& callbacks) {
  ASSIGN_OR_RETURN(std::string bytes, callbacks.fetch_continued());
  const AdapterTarget target = loaded.adapter_target();
  ASSIGN_OR_RETURN(const AdapterFile file,
                   ParseAdapter(std::move(bytes), spec.continued_adapter(), target));
  callbacks.on_warning(
      "CONTINUES_FROM_WEIGHTS",
      fmt::format("no checkpoint of the adapter's training can be used: the training continues "
                  "from the adapter's weights after step {} with a new optimizer",
                  spec.continued_steps()));
  return TrainingCheckpoint{
      .state = CopyWeights(MakeAdapter(file, target.transformers), spec.continued_steps()),
      .losses = {}};
}

/// What the training starts from; nothing if from the beginning.
absl::StatusOr<std::optional<TrainingCheckpoint>> FindStart(const LoadedBase& loaded,
                                                            const v1::TrainSpec& spec,
                                                            const TrainingIdentity& identity,
                                                            const TrainCallbacks& callbacks) {
  ASSIGN_OR_RETURN(std::optional<TrainingCheckpoint> kept,
                   FindCheckpoint(identity, spec.continued_steps(), callbacks));
  if (!kept && !spec.continued_adapter().empty()) {
    ASSIGN_OR_RETURN(kept, StartFromWeights(loaded, spec, callbacks));
  }
  if (kept && callbacks.on_resumed) callbacks.on_resumed(kept->state.step, kept->losses);
  return kept;
}

absl::StatusOr<std::string> AdapterBytesOf(const Adapter& adapter, const LoadedBase& loaded,
                                           const v1::TrainSpec& spec, int64_t steps,
                                           const std::string& reference,
                                           const std::string& code_version) {
  AdapterFile file;
  file.dialect = DialectOf(spec) == Dialect::kMmagic ? "mmagic" : "paper";
  file.base_model_digest = loaded.offer.base_model.digest();
  file.placeholder = spec.placeholder();
  file.init_word = spec.init_word();
  file.sites = adapter->site_names();
  file.steps = steps;
  file.seed = spec.seed();
  file.code_version = code_version;
  const auto json = google::protobuf::util::MessageToJsonString(spec, &file.config);
  if (!json.ok()) return absl::InternalError("the training's spec cannot be written as JSON");
  file.reference_sha256 = Sha256Hex(reference);
  file.tensors = adapter->NamedTensors();
  return SerializeAdapter(file);
}

}  // namespace

absl::StatusOr<TrainedAdapter> TrainOn(LoadedBase& loaded, const v1::TrainSpec& spec,
                                       const std::vector<std::string>& pictures,
                                       const std::string& code_version,
                                       const TrainCallbacks& callbacks) {
  ASSIGN_OR_RETURN(const TrainOptions options, TrainOptionsOf(loaded.base, spec));
  ASSIGN_OR_RETURN(const torch::Tensor pictures01,
                   LoadPictures(pictures, loaded.offer.base_model.resolution(), FitOf(spec)));

  const TrainingIdentity identity =
      IdentityOf(spec, pictures, loaded.offer.base_model.digest(), loaded.base, code_version);
  ASSIGN_OR_RETURN(const std::optional<TrainingCheckpoint> resumed,
                   FindStart(loaded, spec, identity, callbacks));
  std::vector<double> losses;
  if (resumed) losses = resumed->losses;

  TrainingPreview preview(loaded, spec, pictures01, callbacks);
  absl::Status problem;
  bool stopped = false;
  int64_t previewed = -1;  // the last step with a preview
  const auto draw_preview = [&](Adapter& adapter, int64_t step) {
    if (previewed == step) return;
    previewed = step;
    try {
      const auto drawn = preview.Draw(adapter, step);
      problem = drawn.status();
      stopped = !drawn.ok() || !*drawn;
    } catch (const NonFinite& error) {
      throw NonFinite(fmt::format("training step {}, sample and masks: {}", step, error.what()));
    }
  };
  const int64_t total = spec.steps();
  int64_t done = total;
  const auto finishes_early = [&] {
    return !stopped && callbacks.finishes_early && callbacks.finishes_early();
  };
  const auto is_sample_step = [&](int64_t step) {
    return spec.sample_every_steps() > 0 && step < total && step % spec.sample_every_steps() == 0;
  };
  const auto take_checkpoint = [&](const StepReport& report) {
    if (!callbacks.wants_checkpoint || !callbacks.wants_checkpoint(report.step, stopped)) return;
    const auto copy = std::make_shared<const TrainingCheckpoint>(
        TrainingCheckpoint{report.state(), losses, stopped && is_sample_step(report.step)});
    callbacks.on_checkpoint({.step = report.step, .serialize = [copy, identity] {
                               return SerializeCheckpoint(*copy, identity);
                             }});
  };
  std::optional<TrainStart> start;
  if (resumed) {
    start.emplace(TrainStart{resumed->state, [&](Adapter& now) {
                               if (resumed->sample_pending) draw_preview(now, resumed->state.step);
                               return !stopped;
                             }});
  }
  if (!resumed) {
    ASSIGN_OR_RETURN(const bool go_on, preview.DrawFirst());
    if (!go_on) return TrainedAdapter{.stopped = true};
  }
  Adapter adapter = TrainAdapter(
      loaded.base, pictures01, options,
      [&](const StepReport& report, Adapter& now) {
        losses.push_back(report.loss);
        stopped = !callbacks.on_step({.step = report.step,
                                      .total_steps = total,
                                      .loss = report.loss,
                                      .loss_reg = report.loss_reg});
        done = report.step;
        bool finishes = finishes_early();
        if (!stopped && !finishes && is_sample_step(report.step)) draw_preview(now, report.step);
        finishes = finishes || finishes_early();
        if (problem.ok()) take_checkpoint(report);
        return !stopped && !finishes;
      },
      start ? &*start : nullptr);
  if (!stopped) draw_preview(adapter, done);
  RETURN_IF_ERROR(problem);
  if (stopped) return TrainedAdapter{.stopped = true};

  for (const auto& [name, tensor] : adapter->NamedTensors()) {
    if (!IsFinite(tensor)) {
      throw NonFinite(
          fmt::format("training step {}: {} of the adapter is not finite; try lower "
                      "learning rates",
                      done, name));
    }
  }
  TrainedAdapter trained;
  trained.peak_rss_mb = PeakRssMb();
  ASSIGN_OR_RETURN(trained.safetensors,
                   AdapterBytesOf(adapter, loaded, spec, done, pictures.front(), code_version));
  return trained;
}

}  // namespace vico::worker
