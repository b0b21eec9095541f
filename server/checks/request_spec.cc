// Completes and checks the specs of jobs. Defaults come from the base model, then from the paper
// (ViCo, arXiv 2306.00971).
#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>

#include <fmt/format.h>

#include "common/field_errors.h"
#include "common/schedulers.h"
#include "common/status.h"
#include "server/checks/request.h"

namespace vico::server {
namespace {

constexpr int kMaxSites = 16;

/// Warnings about a valid prompt.
void WarnOfPrompt(std::string_view field, std::string_view prompt, std::string_view placeholder,
                  bool expects_placeholder, const SpecSurroundings& surroundings,
                  std::vector<v1::Event::Warning>& warnings) {
  const int context = surroundings.base_model.context_tokens();
  const Prompt encoded = surroundings.tokenizer.EncodePrompt(prompt, placeholder, context);
  if (encoded.truncated) {
    warnings.push_back(
        WarningOf("PROMPT_TRUNCATED",
                  fmt::format("{}: only its first {} tokens are used", field, context - 2)));
  }
  if (expects_placeholder && encoded.placeholders == 0) {
    warnings.push_back(WarningOf(
        "PROMPT_WITHOUT_PLACEHOLDER",
        fmt::format("{}: does not hold the adapter's word {}, so the thing it learned may not show",
                    field, placeholder)));
  }
}

/// The requested value, else the base model's default, else the paper's; checked.
template <typename Number>
absl::StatusOr<Number> Choose(const Bounds& bounds, bool requested, Number value, bool has_default,
                              Number base_default, Number paper_default) {
  const Number chosen = requested ? value : has_default ? base_default : paper_default;
  RETURN_IF_ERROR(CheckBounds(bounds, static_cast<double>(chosen)));
  return chosen;
}

/// The same for an enum, whose value 0 means unspecified.
template <typename Enum>
Enum ChooseName(Enum requested, Enum base_default, Enum paper_default) {
  return requested != Enum{} ? requested : base_default != Enum{} ? base_default : paper_default;
}

/// Sets `field` of a complete spec, or adds to `errors` why it cannot.
#define VICO_CHOOSE(errors, to, requested, defaults, field, bounds, paper)     \
  do {                                                                         \
    using Number = std::decay_t<decltype((requested).field())>;                \
    const absl::StatusOr<Number> chosen =                                      \
        Choose<Number>(bounds, (requested).has_##field(), (requested).field(), \
                       (defaults).has_##field(), (defaults).field(), paper);   \
    (errors).Add(chosen.status());                                             \
    if (chosen.ok()) (to).set_##field(*chosen);                                \
  } while (false)

absl::StatusOr<int32_t> CheckSide(std::string_view field, int32_t side,
                                  const v1::BaseModel& base_model) {
  if (side < base_model.min_side() || side > base_model.max_side() ||
      side % base_model.size_multiple() != 0) {
    return FieldError(
        field, fmt::format("must be {}..{} and a multiple of {}, got {}", base_model.min_side(),
                           base_model.max_side(), base_model.size_multiple(), side));
  }
  return side;
}

/// Warns when pictures that are far from square are squeezed.
void WarnOfShapes(const v1::Concept& picture_set, v1::Resize resize,
                  std::vector<v1::Event::Warning>& warnings) {
  if (resize != v1::RESIZE_SQUEEZE) return;
  std::vector<std::string> squeezed;
  for (int i = 0; i < picture_set.pictures_size(); ++i) {
    const v1::ConceptPicture& picture = picture_set.pictures(i);
    const auto [shorter, longer] = std::minmax({picture.width(), picture.height()});
    if (2 * longer > 3 * shorter) {
      squeezed.push_back(
          fmt::format("pictures[{}] ({} x {})", i, picture.width(), picture.height()));
    }
  }
  if (squeezed.empty()) return;
  warnings.push_back(
      WarningOf("PICTURE_NOT_SQUARE",
                fmt::format("{}: squeezed to a square, which changes the shape of the thing; "
                            "RESIZE_CROP or RESIZE_PAD keeps it",
                            fmt::join(squeezed, ", "))));
}

/// Sets one seed per picture: the requested ones, or a sequence from one requested or drawn seed.
absl::Status SetSeeds(const v1::GenerateSpec& requested, const SpecSurroundings& surroundings,
                      v1::GenerateSpec& spec) {
  const int count = spec.picture_count();
  if (requested.seeds_size() > 1 && requested.seeds_size() != count) {
    return FieldError("generate.seeds",
                      fmt::format("must be none, one, or one per picture ({}), got {}", count,
                                  requested.seeds_size()));
  }
  if (requested.seeds_size() > 1) {
    *spec.mutable_seeds() = requested.seeds();
    return absl::OkStatus();
  }
  constexpr uint64_t kExact = uint64_t{1} << 53;
  const uint64_t first = requested.seeds_size() == 1
                             ? requested.seeds(0)
                             : surroundings.draw_seed() % (kExact - static_cast<uint64_t>(count));
  spec.clear_seeds();
  for (int i = 0; i < count; ++i) spec.add_seeds(first + static_cast<uint64_t>(i));
  return absl::OkStatus();
}

/// Checks what depends on the scheduler. A default for eta does not apply to one that takes none.
absl::Status FitScheduler(const SchedulerInfo& scheduler, bool eta_requested,
                          v1::GenerateSpec& spec) {
  if (!scheduler.takes_eta && !eta_requested) spec.set_eta(0);
  FieldErrors errors;
  if (scheduler.max_steps > 0 && spec.steps() > 0) {
    errors.Add(CheckBounds(
        {kGenerateSteps.field, kGenerateSteps.min, static_cast<double>(scheduler.max_steps)},
        spec.steps()));
  }
  if (!scheduler.takes_eta && spec.eta() != 0) {
    errors.Add("generate.eta",
               fmt::format("must be left out: the scheduler {} takes none", scheduler.name));
  }
  return errors.status();
}

/// Sets the requested sites, else those of the base model if the dialect is its own. None stands
/// for the dialect's sites. If the base model does not list its transformers, the worker checks the
/// sites.
absl::Status ChooseSites(const v1::TrainSpec& requested, const v1::BaseModel& base_model,
                         v1::TrainSpec& spec) {
  const v1::TrainSpec& defaults = base_model.training_defaults();
  const bool own_dialect =
      spec.dialect() == ChooseName(defaults.dialect(), v1::DIALECT_UNSPECIFIED, v1::DIALECT_PAPER);
  *spec.mutable_sites() =
      !requested.sites().empty() || !own_dialect ? requested.sites() : defaults.sites();
  if (spec.sites_size() > kMaxSites) {
    return FieldError("train.sites",
                      fmt::format("must be at most {}, got {}", kMaxSites, spec.sites_size()));
  }
  std::set<std::string_view> seen;
  const auto& known = base_model.transformers();
  for (const std::string& site : spec.sites()) {
    const bool exists = known.empty() || std::find(known.begin(), known.end(), site) != known.end();
    if (!exists || !seen.insert(site).second) {
      return FieldError("train.sites",
                        fmt::format("must be different names of {}'s transformers: {}",
                                    base_model.name(), fmt::join(known, ", ")));
    }
  }
  return absl::OkStatus();
}

/// A device without a row would have nothing to do. `spec` has its batch size, unless that is
/// wrong.
absl::Status SetDevices(const v1::TrainSpec& requested, v1::TrainSpec& spec) {
  spec.set_devices(requested.has_devices() ? requested.devices() : 1);
  RETURN_IF_ERROR(CheckBounds(kTrainDevices, spec.devices()));
  if (spec.has_batch_size() && spec.devices() > spec.batch_size()) {
    return FieldError("train.devices", fmt::format("must be at most train.batch_size, {}, got {}",
                                                   spec.batch_size(), spec.devices()));
  }
  return absl::OkStatus();
}

std::string SamplePromptField(int index) { return fmt::format("train.sample_prompts[{}]", index); }

/// Sets the prompts and seeds of samples. `sample_prompt` is always set: it is the first of
/// several, for workers that draw one sample only.
void ChooseSamplePrompts(const v1::TrainSpec& requested, bool placeholder_is_valid,
                         v1::TrainSpec& spec, FieldErrors& errors) {
  constexpr std::string_view kPrompt = "train.sample_prompt";
  if (requested.has_sample_first()) spec.set_sample_first(requested.sample_first());
  if (const absl::Status few = CheckBounds(kSamplePrompts, requested.sample_prompts_size());
      !few.ok()) {
    return errors.Add(few);
  }
  *spec.mutable_sample_prompts() = requested.sample_prompts();
  for (int i = 0; i < spec.sample_prompts_size(); ++i) {
    errors.Add(CheckPrompt(SamplePromptField(i), spec.sample_prompts(i), true));
  }
  const bool several = !spec.sample_prompts().empty();
  const std::string& first = several ? spec.sample_prompts(0) : requested.sample_prompt();
  spec.set_sample_prompt(!first.empty() ? first : fmt::format("a photo of {}", spec.placeholder()));
  if (several && !requested.sample_prompt().empty() && requested.sample_prompt() != first) {
    errors.Add(kPrompt, "must be left out, or be the first of train.sample_prompts");
  }
  // The default contains the placeholder, whose error is enough.
  if (!several && (placeholder_is_valid || !first.empty())) {
    errors.Add(CheckPrompt(kPrompt, spec.sample_prompt(), true));
  }
  *spec.mutable_sample_seeds() = requested.sample_seeds();
  const int prompts = std::max(1, spec.sample_prompts_size());
  if (!spec.sample_seeds().empty() && spec.sample_seeds_size() != prompts) {
    errors.Add("train.sample_seeds",
               fmt::format("must be none, or one for each sample prompt ({}), got {}", prompts,
                           spec.sample_seeds_size()));
  }
}

}  // namespace

absl::StatusOr<CheckedSpec> CheckTrainSpec(const v1::TrainSpec& requested,
                                           const v1::Concept& picture_set,
                                           const SpecSurroundings& surroundings) {
  const v1::TrainSpec& defaults = surroundings.base_model.training_defaults();
  CheckedSpec checked;
  v1::TrainSpec& spec = *checked.spec.mutable_train();
  spec.set_concept_name(picture_set.name());
  spec.set_base_model(surroundings.base_model.name());

  spec.set_placeholder(!requested.placeholder().empty()  ? requested.placeholder()
                       : !defaults.placeholder().empty() ? defaults.placeholder()
                                                         : "S*");
  FieldErrors errors;
  const absl::Status placeholder = CheckPlaceholder("train.placeholder", spec.placeholder());
  errors.Add(placeholder);
  if (const std::string why = WhyNotPlaceholder(spec.placeholder(), surroundings.tokenizer);
      placeholder.ok() && !why.empty()) {
    errors.Add("train.placeholder", why);
  }
  errors.Add(CheckInitWord(requested.init_word(), surroundings.tokenizer));
  spec.set_init_word(requested.init_word());
  spec.set_dialect(requested.dialect() != v1::DIALECT_UNSPECIFIED ? requested.dialect()
                                                                  : v1::DIALECT_PAPER);
  errors.Add(CheckEnum("train.dialect", spec.dialect()));

  errors.Add(ChooseSites(requested, surroundings.base_model, spec));
  VICO_CHOOSE(errors, spec, requested, defaults, steps, kTrainSteps, 400);
  VICO_CHOOSE(errors, spec, requested, defaults, batch_size, kTrainBatchSize, 1);
  errors.Add(SetDevices(requested, spec));
  VICO_CHOOSE(errors, spec, requested, defaults, embedding_learning_rate, kEmbeddingRate, 5e-3);
  VICO_CHOOSE(errors, spec, requested, defaults, attention_learning_rate, kAttentionRate, 1e-5);
  VICO_CHOOSE(errors, spec, requested, defaults, regularizer_weight, kRegularizerWeight, 5e-4);
  VICO_CHOOSE(errors, spec, requested, defaults, min_snr_gamma, kMinSnrGamma, 0.0);
  VICO_CHOOSE(errors, spec, requested, defaults, sample_every_steps, kSampleEverySteps, 50);
  spec.set_mask(requested.has_mask() ? requested.mask() : !defaults.has_mask() || defaults.mask());

  spec.set_block_start(
      ChooseName(requested.block_start(), defaults.block_start(), v1::BLOCK_START_RANDOM));
  errors.Add(CheckEnum("train.block_start", spec.block_start()));
  spec.set_learning_rate_schedule(ChooseName(requested.learning_rate_schedule(),
                                             defaults.learning_rate_schedule(),
                                             v1::LEARNING_RATE_SCHEDULE_CONSTANT));
  errors.Add(CheckEnum("train.learning_rate_schedule", spec.learning_rate_schedule()));
  spec.set_resize(ChooseName(requested.resize(), defaults.resize(), v1::RESIZE_SQUEEZE));
  errors.Add(CheckEnum("train.resize", spec.resize()));

  ChooseSamplePrompts(requested, placeholder.ok(), spec, errors);
  constexpr uint64_t kExact = uint64_t{1} << 53;
  spec.set_seed(requested.has_seed() ? requested.seed() : surroundings.draw_seed() % kExact);
  spec.set_determinism(ChooseName(requested.determinism(), v1::DETERMINISM_UNSPECIFIED,
                                  v1::DETERMINISM_BEST_EFFORT));
  errors.Add(CheckEnum("train.determinism", spec.determinism()));
  RETURN_IF_ERROR(errors.status());

  WarnOfShapes(picture_set, spec.resize(), checked.warnings);
  if (spec.sample_prompts().empty()) {
    WarnOfPrompt("train.sample_prompt", spec.sample_prompt(), spec.placeholder(), true,
                 surroundings, checked.warnings);
  }
  for (int i = 0; i < spec.sample_prompts_size(); ++i) {
    WarnOfPrompt(SamplePromptField(i), spec.sample_prompts(i), spec.placeholder(), true,
                 surroundings, checked.warnings);
  }
  checked.warnings.insert(checked.warnings.end(), picture_set.warnings().begin(),
                          picture_set.warnings().end());
  return checked;
}

absl::StatusOr<CheckedSpec> CheckGenerateSpec(const v1::GenerateSpec& requested,
                                              const v1::Adapter* adapter,
                                              const SpecSurroundings& surroundings) {
  const v1::BaseModel& base_model = surroundings.base_model;
  const v1::GenerateSpec& defaults = base_model.generation_defaults();
  CheckedSpec checked;
  v1::GenerateSpec& spec = *checked.spec.mutable_generate();
  spec.set_base_model(base_model.name());
  if (adapter) {
    if (adapter->base_model_digest() != base_model.digest()) {
      return Error(absl::StatusCode::kFailedPrecondition,
                   fmt::format("generate.adapter: was made for another base model than the {} on "
                               "offer",
                               base_model.name()),
                   "BASE_MODEL_DIFFERS");
    }
    spec.set_adapter(adapter->name());
  }

  FieldErrors errors;
  errors.Add(CheckPrompt("generate.prompt", requested.prompt(), true));
  errors.Add(CheckPrompt("generate.negative_prompt", requested.negative_prompt(), false));
  spec.set_prompt(requested.prompt());
  spec.set_negative_prompt(requested.negative_prompt());

  const bool counted_by_seeds = !requested.has_picture_count() && requested.seeds_size() > 1;
  spec.set_picture_count(requested.has_picture_count() ? requested.picture_count()
                         : counted_by_seeds            ? requested.seeds_size()
                                                       : 1);
  const absl::Status count = CheckBounds(kPictureCount, spec.picture_count());
  errors.Add(count.ok() ? SetSeeds(requested, surroundings, spec) : count);

  spec.set_scheduler(!requested.scheduler().empty()  ? requested.scheduler()
                     : !defaults.scheduler().empty() ? defaults.scheduler()
                                                     : "ddim");
  const SchedulerInfo* scheduler = FindScheduler(spec.scheduler());
  VICO_CHOOSE(errors, spec, requested, defaults, guidance_scale, kGuidanceScale, 7.5);
  VICO_CHOOSE(errors, spec, requested, defaults, steps, kGenerateSteps, 50);
  VICO_CHOOSE(errors, spec, requested, defaults, eta, kEta, 0.0);
  if (scheduler == nullptr) {
    errors.Add("generate.scheduler",
               fmt::format("must be one of {}", fmt::join(kSchedulerNames, ", ")));
  } else {
    errors.Add(FitScheduler(*scheduler, requested.has_eta(), spec));
  }
  errors.Add(CheckBounds(kPreviewEverySteps, requested.preview_every_steps()));
  spec.set_preview_every_steps(requested.preview_every_steps());

  const auto side = [&](bool given, int32_t value, bool has_default, int32_t base_default) {
    return given ? value : has_default ? base_default : base_model.resolution();
  };
  const auto width = CheckSide(
      "generate.width",
      side(requested.has_width(), requested.width(), defaults.has_width(), defaults.width()),
      base_model);
  const auto height = CheckSide(
      "generate.height",
      side(requested.has_height(), requested.height(), defaults.has_height(), defaults.height()),
      base_model);
  errors.Add(width.status());
  errors.Add(height.status());
  spec.set_determinism(ChooseName(requested.determinism(), v1::DETERMINISM_UNSPECIFIED,
                                  v1::DETERMINISM_BEST_EFFORT));
  errors.Add(CheckEnum("generate.determinism", spec.determinism()));
  RETURN_IF_ERROR(errors.status());
  spec.set_width(*width);
  spec.set_height(*height);

  const std::string placeholder = adapter ? adapter->placeholder() : "";
  WarnOfPrompt("generate.prompt", spec.prompt(), placeholder, adapter != nullptr, surroundings,
               checked.warnings);
  WarnOfPrompt("generate.negative_prompt", spec.negative_prompt(), placeholder, false, surroundings,
               checked.warnings);
  return checked;
}

#undef VICO_CHOOSE

}  // namespace vico::server
