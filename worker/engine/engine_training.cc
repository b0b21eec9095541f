#include "worker/engine/engine_training.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>
#include <sys/resource.h>

#include "common/sha256.h"
#include "common/status.h"
#include "worker/io/image.h"
#include "worker/personalize/generator.h"
#include "worker/train/trainer.h"
#include "worker/engine/training_checkpoint.h"

namespace vico::worker {
namespace {

Dialect DialectOf(const v1::TrainSpec& spec) {
  return spec.dialect() == v1::DIALECT_MMAGIC ? Dialect::kMmagic : Dialect::kPaper;
}

BlockStart StartOf(const v1::TrainSpec& spec) {
  switch (spec.block_start()) {
    case v1::BLOCK_START_ZERO:
      return BlockStart::kZero;
    case v1::BLOCK_START_SELF_ATTENTION:
      return BlockStart::kSelfAttention;
    default:
      return BlockStart::kDefault;
  }
}

double PeakRssMb() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024 / 1e6;  // ru_maxrss is in KiB
}

constexpr int64_t kMostSampleSteps = 20;  // a sample shows the way; it need not be the best picture

/// What a training shows of itself on the way.
class Showing {
 public:
  Showing(LoadedBase& loaded, const v1::TrainSpec& spec, const torch::Tensor& pictures01,
          const TrainCallbacks& callbacks)
      : loaded_(loaded), spec_(spec), pictures01_(pictures01), callbacks_(callbacks) {}

  /// A sample and the masks with the adapter as it is. False when a callback said stop.
  absl::StatusOr<bool> Show(Adapter& adapter, int64_t step) {
    if (spec_.sample_every_steps() > 0) {
      ASSIGN_OR_RETURN(const bool go_on, Sample(adapter, step));
      if (!go_on) return false;
    }
    RETURN_IF_ERROR(Masks(adapter, step));
    return true;
  }

 private:
  absl::StatusOr<bool> Sample(Adapter& adapter, int64_t step) {
    if (!reference_.defined()) {
      reference_ = ReferenceLatent(loaded_.base, pictures01_.narrow(0, 0, 1));
    }
    const v1::BaseModel& description = loaded_.offer.base_model;
    const v1::GenerateSpec& defaults = description.generation_defaults();
    GenerateOptions options;
    options.prompt = spec_.sample_prompt();
    options.negative_prompt = defaults.negative_prompt();
    if (defaults.has_guidance_scale()) options.guidance_scale = defaults.guidance_scale();
    if (!defaults.scheduler().empty()) options.scheduler = defaults.scheduler();
    options.steps = std::min<int64_t>(kMostSampleSteps,
                                      defaults.has_steps() ? defaults.steps() : kMostSampleSteps);
    options.height = options.width = description.resolution();
    options.seeds = {spec_.seed()};
    options.placeholder = spec_.placeholder();
    options.mask = spec_.mask() ? KeyMask::kOtsu : KeyMask::kNone;

    Personalization personal{
        .adapter = adapter, .dialect = DialectOf(spec_), .reference = reference_};
    absl::Status problem;
    GenerateObserver observer;
    observer.on_step = [&](int64_t, int64_t) { return callbacks_.keep_going(); };
    observer.on_picture = [&](size_t, const torch::Tensor& image01) {
      auto png = EncodePng(image01);
      if (!png.ok()) {
        problem = png.status();
        return;
      }
      callbacks_.on_sample(step, spec_.seed(),
                           {.bytes = *std::move(png),
                            .width = static_cast<int>(image01.size(2)),
                            .height = static_cast<int>(image01.size(1))});
    };
    const bool finished = GeneratePictures(loaded_.base, &personal, options, observer);
    RETURN_IF_ERROR(problem);
    return finished;
  }

  absl::Status Masks(Adapter& adapter, int64_t step) {
    for (const PictureMask& mask :
         LearnedMasks(loaded_.base, adapter, pictures01_, spec_.placeholder(), DialectOf(spec_))) {
      if (mask.site != adapter->site_names().back()) continue;  // people are shown the finest
      ASSIGN_OR_RETURN(std::string png, EncodeMaskPng(mask.mask));
      callbacks_.on_mask({.step = step,
                          .picture_index = static_cast<int>(mask.picture),
                          .png = std::move(png),
                          .coverage = mask.coverage,
                          .site = mask.site});
    }
    return absl::OkStatus();
  }

  LoadedBase& loaded_;
  const v1::TrainSpec& spec_;
  const torch::Tensor& pictures01_;
  const TrainCallbacks& callbacks_;
  torch::Tensor reference_;  // made with the first sample
};

/// Indices of the transformers that the spec names, ascending; else the dialect's.
absl::StatusOr<std::vector<int64_t>> SitesOf(const Base& base, const v1::TrainSpec& spec) {
  if (spec.sites().empty()) return base.sites(DialectOf(spec));
  const auto& transformers = base.unet->transformers();
  std::vector<int64_t> sites;
  for (const std::string& name : spec.sites()) {
    const auto found = std::find_if(transformers.begin(), transformers.end(),
                                    [&](const TransformerSite& t) { return t.name == name; });
    if (found == transformers.end()) {
      return FieldError("train.sites", fmt::format("the base model has no transformer {}", name));
    }
    sites.push_back(found - transformers.begin());
  }
  std::sort(sites.begin(), sites.end());
  if (std::adjacent_find(sites.begin(), sites.end()) != sites.end()) {
    return FieldError("train.sites", "must name each transformer once");
  }
  return sites;
}

/// mmagic's sites depend on the U-Net's blocks, and it reads the second head of each.
absl::Status CheckDialect(const Base& base, Dialect dialect, const std::vector<int64_t>& sites) {
  if (sites.empty()) {
    return FieldError("train.dialect", "has no site for image attention in this base model");
  }
  for (const int64_t site : sites) {
    const auto& transformer = base.unet->transformers()[static_cast<size_t>(site)];
    if (dialect == Dialect::kMmagic && transformer.heads < 2) {
      return FieldError("train.dialect", fmt::format("mmagic's needs 2 heads or more at {}, got {}",
                                                     transformer.name, transformer.heads));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TrainOptions> TrainOptionsOf(const Base& base, const v1::TrainSpec& spec) {
  TrainOptions options;
  options.dialect = DialectOf(spec);
  ASSIGN_OR_RETURN(options.sites, SitesOf(base, spec));
  RETURN_IF_ERROR(CheckDialect(base, options.dialect, options.sites));
  options.steps = spec.steps();
  options.batch_size = spec.batch_size();
  options.embedding_learning_rate = spec.embedding_learning_rate();
  options.attention_learning_rate = spec.attention_learning_rate();
  options.regularizer_weight = spec.regularizer_weight();
  options.mask = spec.mask() ? KeyMask::kOtsu : KeyMask::kNone;
  options.min_snr_gamma = spec.min_snr_gamma();
  options.start = StartOf(spec);
  options.cosine_rates = spec.learning_rate_schedule() == v1::LEARNING_RATE_SCHEDULE_COSINE;
  options.placeholder = spec.placeholder();
  options.init_word = spec.init_word();
  options.seed = spec.seed();
  return options;
}

namespace {

absl::StatusOr<torch::Tensor> LoadPictures(const std::vector<std::string>& pictures, int side) {
  std::vector<torch::Tensor> squares;
  for (size_t i = 0; i < pictures.size(); ++i) {
    auto square = LoadSquare(pictures[i], side);
    if (!square.ok()) {
      return absl::Status(
          square.status().code(),
          ToAbsl(fmt::format("picture {}: {}", i, std::string(square.status().message()))));
    }
    squares.push_back(*std::move(square));
  }
  return torch::stack(squares);
}

/// The newest checkpoint that fits; nothing when the training has to start anew.
absl::StatusOr<std::optional<TrainingCheckpoint>> FindStart(const TrainingIdentity& identity,
                                                            const TrainCallbacks& callbacks) {
  for (const CheckpointSource& source : callbacks.checkpoints) {
    absl::StatusOr<std::string> bytes = source.fetch();
    if (absl::IsAborted(bytes.status()) || absl::IsCancelled(bytes.status())) return bytes.status();
    const auto checkpoint = bytes.ok() ? ParseCheckpoint(*std::move(bytes), identity)
                                       : absl::StatusOr<TrainingCheckpoint>(bytes.status());
    if (checkpoint.ok()) return *checkpoint;
    callbacks.on_warning("CHECKPOINT_PASSED_OVER",
                         fmt::format("the checkpoint at step {} was not used: {}", source.step,
                                     std::string(checkpoint.status().message())));
  }
  return std::nullopt;
}

absl::StatusOr<std::string> AdapterBytesOf(const Adapter& adapter, const LoadedBase& loaded,
                                           const v1::TrainSpec& spec, const std::string& reference,
                                           const std::string& code_version) {
  AdapterFile file;
  file.dialect = DialectOf(spec) == Dialect::kMmagic ? "mmagic" : "paper";
  file.base_model_digest = loaded.offer.base_model.digest();
  file.placeholder = spec.placeholder();
  file.init_word = spec.init_word();
  file.sites = adapter->site_names();
  file.steps = spec.steps();
  file.seed = spec.seed();
  file.code_version = code_version;
  const auto json = google::protobuf::util::MessageToJsonString(spec, &file.config);
  if (!json.ok()) return absl::InternalError("the training's spec does not go into JSON");
  file.reference_sha256 = Sha256Hex(reference);
  file.tensors = adapter->NamedTensors();
  return SerializeAdapter(file);
}

}  // namespace

absl::StatusOr<TrainedAdapter> TrainOn(LoadedBase& loaded, const v1::TrainSpec& spec,
                                       const std::vector<std::string>& pictures,
                                       const std::string& code_version,
                                       const TrainCallbacks& callbacks) {
  if (pictures.empty()) return absl::InvalidArgumentError("pictures: must be 1 or more, got 0");
  ASSIGN_OR_RETURN(const TrainOptions options, TrainOptionsOf(loaded.base, spec));
  if (!loaded.base.tokenizer.SingleToken(spec.init_word())) {
    return FieldError("train.init_word", "must be one token of the base model's tokenizer");
  }
  ASSIGN_OR_RETURN(const torch::Tensor pictures01,
                   LoadPictures(pictures, loaded.offer.base_model.resolution()));

  const TrainingIdentity identity =
      IdentityOf(spec, pictures, loaded.offer.base_model.digest(), loaded.base, code_version);
  ASSIGN_OR_RETURN(std::optional<TrainingCheckpoint> begun, FindStart(identity, callbacks));
  std::vector<double> losses;
  if (begun) {
    losses = begun->losses;
    if (callbacks.on_resumed) callbacks.on_resumed(losses);
  }

  Showing showing(loaded, spec, pictures01, callbacks);
  absl::Status problem;
  bool stopped = false;
  const auto show = [&](Adapter& adapter, int64_t step) {
    const auto shown = showing.Show(adapter, step);
    problem = shown.status();
    stopped = !shown.ok() || !*shown;
  };
  const int64_t total = spec.steps();
  const auto on_the_way = [&](int64_t step) {
    return spec.sample_every_steps() > 0 && step < total && step % spec.sample_every_steps() == 0;
  };
  const auto keep = [&](const StepReport& report) {
    if (!callbacks.wants_checkpoint || !callbacks.wants_checkpoint(report.step, stopped)) return;
    const auto copy = std::make_shared<const TrainingCheckpoint>(
        report.state(), losses, stopped && on_the_way(report.step));
    callbacks.on_checkpoint({.step = report.step, .serialize = [copy, identity] {
                               return SerializeCheckpoint(*copy, identity);
                             }});
  };
  std::optional<TrainStart> start;
  if (begun) {
    start.emplace(TrainStart{begun->state, [&](Adapter& now) {
                               if (begun->sample_owed) show(now, begun->state.step);
                               return !stopped;
                             }});
  }
  Adapter adapter = TrainAdapter(
      loaded.base, pictures01, options,
      [&](const StepReport& report, Adapter& now) {
        losses.push_back(report.loss);
        stopped = !callbacks.on_step({.step = report.step,
                                      .total_steps = total,
                                      .loss = report.loss,
                                      .loss_reg = report.loss_reg});
        if (!stopped && on_the_way(report.step)) show(now, report.step);
        if (problem.ok()) keep(report);
        return !stopped;
      },
      start ? &*start : nullptr);
  if (!stopped) show(adapter, total);
  RETURN_IF_ERROR(problem);
  if (stopped) return TrainedAdapter{.stopped = true};

  TrainedAdapter trained;
  trained.peak_rss_mb = PeakRssMb();
  trained.reference = pictures.front();
  ASSIGN_OR_RETURN(trained.safetensors,
                   AdapterBytesOf(adapter, loaded, spec, trained.reference, code_version));
  return trained;
}

}  // namespace vico::worker
