// Completes and checks the specs of jobs. Defaults come from the base model, then from the paper
// (ViCo, arXiv 2306.00971).
#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>

#include <absl/strings/ascii.h>
#include <fmt/format.h>

#include "common/formats/adapter_layout.h"
#include "common/schedulers.h"
#include "common/status.h"
#include "server/checks/request.h"

namespace vico::server {
namespace {

constexpr size_t kMaxWordBytes = 32;
constexpr int kMaxSites = 16;

/// A prompt may contain line ends but no other control characters.
absl::Status CheckPrompt(std::string_view field, std::string_view prompt, bool required) {
  const auto max_bytes = static_cast<size_t>(kPromptBytes.max);
  if ((required && prompt.empty()) || prompt.size() > max_bytes) {
    return FieldError(field, fmt::format("must have {}..{} bytes, got {}", required ? 1 : 0,
                                         max_bytes, prompt.size()));
  }
  const auto bad = [](char c) {
    return absl::ascii_iscntrl(static_cast<unsigned char>(c)) && c != '\n' && c != '\t' &&
           c != '\r';
  };
  if (std::any_of(prompt.begin(), prompt.end(), bad)) {
    return FieldError(field, "must not hold control characters");
  }
  return absl::OkStatus();
}

v1::Event::Warning Warning(std::string_view reason, std::string message) {
  v1::Event::Warning warning;
  warning.set_reason(std::string(reason));
  warning.set_message(std::move(message));
  return warning;
}

/// Warnings about a valid prompt.
void WarnOfPrompt(std::string_view field, std::string_view prompt, std::string_view placeholder,
                  bool expects_placeholder, const SpecSurroundings& surroundings,
                  std::vector<v1::Event::Warning>& warnings) {
  const int context = surroundings.base_model.context_tokens();
  const Prompt encoded = surroundings.tokenizer.EncodePrompt(prompt, placeholder, context);
  if (encoded.truncated) {
    warnings.push_back(
        Warning("PROMPT_TRUNCATED",
                fmt::format("{}: only its first {} tokens are used", field, context - 2)));
  }
  if (expects_placeholder && encoded.placeholders == 0) {
    warnings.push_back(Warning(
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

/// CHOOSE(spec, defaults, steps, kTrainSteps, 400) sets `steps` in a complete spec.
#define VICO_CHOOSE(to, requested, defaults, field, bounds, paper)             \
  do {                                                                         \
    using Number = std::decay_t<decltype((requested).field())>;                \
    const absl::StatusOr<Number> chosen =                                      \
        Choose<Number>(bounds, (requested).has_##field(), (requested).field(), \
                       (defaults).has_##field(), (defaults).field(), paper);   \
    if (!chosen.ok()) return chosen.status();                                  \
    (to).set_##field(*chosen);                                                 \
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

v1::Determinism Determined(v1::Determinism determinism) {
  return determinism == v1::DETERMINISM_SOLO ? determinism : v1::DETERMINISM_BEST_EFFORT;
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

}  // namespace

absl::Status CheckPlaceholder(std::string_view field, std::string_view placeholder) {
  if (!IsPlaceholder(placeholder)) {
    return FieldError(field, fmt::format("must be 1..{} characters of [A-Za-z0-9_*<>-], got {}",
                                         kMaxWordBytes, placeholder.size()));
  }
  return absl::OkStatus();
}

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
  RETURN_IF_ERROR(CheckPlaceholder("train.placeholder", spec.placeholder()));

  const std::string& word = requested.init_word();
  if (word.empty() || word.size() > kMaxWordBytes) {
    return FieldError("train.init_word",
                      fmt::format("must have 1..{} bytes, got {}", kMaxWordBytes, word.size()));
  }
  if (word == spec.placeholder()) {
    return FieldError("train.init_word", "must differ from the placeholder");
  }
  if (!surroundings.tokenizer.SingleToken(word)) {
    return FieldError("train.init_word",
                      fmt::format("must be one token of the base model's vocabulary; \"{}\" is {}",
                                  word, surroundings.tokenizer.Encode(word).size()));
  }
  spec.set_init_word(word);

  spec.set_dialect(requested.dialect() != v1::DIALECT_UNSPECIFIED ? requested.dialect()
                                                                  : v1::DIALECT_PAPER);
  const auto dialects = Dialects();
  if (std::find(dialects.begin(), dialects.end(), spec.dialect()) == dialects.end()) {
    return FieldError("train.dialect", "must be DIALECT_PAPER or DIALECT_MMAGIC");
  }

  RETURN_IF_ERROR(ChooseSites(requested, surroundings.base_model, spec));
  VICO_CHOOSE(spec, requested, defaults, steps, kTrainSteps, 400);
  VICO_CHOOSE(spec, requested, defaults, batch_size, kTrainBatchSize, 1);
  VICO_CHOOSE(spec, requested, defaults, embedding_learning_rate, kEmbeddingRate, 5e-3);
  VICO_CHOOSE(spec, requested, defaults, attention_learning_rate, kAttentionRate, 1e-5);
  VICO_CHOOSE(spec, requested, defaults, regularizer_weight, kRegularizerWeight, 5e-4);
  VICO_CHOOSE(spec, requested, defaults, min_snr_gamma, kMinSnrGamma, 0.0);
  VICO_CHOOSE(spec, requested, defaults, sample_every_steps, kSampleEverySteps, 50);
  spec.set_mask(requested.has_mask() ? requested.mask() : !defaults.has_mask() || defaults.mask());

  spec.set_block_start(
      ChooseName(requested.block_start(), defaults.block_start(), v1::BLOCK_START_RANDOM));
  if (!v1::BlockStart_IsValid(spec.block_start())) {
    return FieldError("train.block_start",
                      "must be BLOCK_START_RANDOM, BLOCK_START_ZERO or BLOCK_START_SELF_ATTENTION");
  }
  spec.set_learning_rate_schedule(ChooseName(requested.learning_rate_schedule(),
                                             defaults.learning_rate_schedule(),
                                             v1::LEARNING_RATE_SCHEDULE_CONSTANT));
  if (!v1::LearningRateSchedule_IsValid(spec.learning_rate_schedule())) {
    return FieldError("train.learning_rate_schedule",
                      "must be LEARNING_RATE_SCHEDULE_CONSTANT or LEARNING_RATE_SCHEDULE_COSINE");
  }

  spec.set_sample_prompt(!requested.sample_prompt().empty()
                             ? requested.sample_prompt()
                             : fmt::format("a photo of {}", spec.placeholder()));
  RETURN_IF_ERROR(CheckPrompt("train.sample_prompt", spec.sample_prompt(), true));
  constexpr uint64_t kExact = uint64_t{1} << 53;
  spec.set_seed(requested.has_seed() ? requested.seed() : surroundings.draw_seed() % kExact);
  spec.set_determinism(Determined(requested.determinism()));

  WarnOfPrompt("train.sample_prompt", spec.sample_prompt(), spec.placeholder(), true, surroundings,
               checked.warnings);
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

  RETURN_IF_ERROR(CheckPrompt("generate.prompt", requested.prompt(), true));
  RETURN_IF_ERROR(CheckPrompt("generate.negative_prompt", requested.negative_prompt(), false));
  spec.set_prompt(requested.prompt());
  spec.set_negative_prompt(requested.negative_prompt());

  const bool counted_by_seeds = !requested.has_picture_count() && requested.seeds_size() > 1;
  spec.set_picture_count(requested.has_picture_count() ? requested.picture_count()
                         : counted_by_seeds            ? requested.seeds_size()
                                                       : 1);
  RETURN_IF_ERROR(CheckBounds(kPictureCount, spec.picture_count()));
  RETURN_IF_ERROR(SetSeeds(requested, surroundings, spec));

  spec.set_scheduler(!requested.scheduler().empty()  ? requested.scheduler()
                     : !defaults.scheduler().empty() ? defaults.scheduler()
                                                     : "ddim");
  const SchedulerInfo* scheduler = FindScheduler(spec.scheduler());
  if (scheduler == nullptr) {
    return FieldError("generate.scheduler",
                      fmt::format("must be one of {}", fmt::join(kSchedulerNames, ", ")));
  }
  VICO_CHOOSE(spec, requested, defaults, guidance_scale, kGuidanceScale, 7.5);
  VICO_CHOOSE(spec, requested, defaults, steps, kGenerateSteps, 50);
  if (scheduler->max_steps > 0) {
    const Bounds bounds{kGenerateSteps.field, kGenerateSteps.min,
                        static_cast<double>(scheduler->max_steps)};
    RETURN_IF_ERROR(CheckBounds(bounds, spec.steps()));
  }
  VICO_CHOOSE(spec, requested, defaults, eta, kEta, 0.0);
  if (!scheduler->takes_eta && !requested.has_eta()) spec.set_eta(0);
  if (!scheduler->takes_eta && spec.eta() != 0) {
    return FieldError("generate.eta", fmt::format("must be left out: the scheduler {} takes none",
                                                  scheduler->name));
  }
  RETURN_IF_ERROR(CheckBounds(kPreviewEverySteps, requested.preview_every_steps()));
  spec.set_preview_every_steps(requested.preview_every_steps());

  const auto side = [&](bool given, int32_t value, bool has_default, int32_t base_default) {
    return given ? value : has_default ? base_default : base_model.resolution();
  };
  ASSIGN_OR_RETURN(const int32_t width, CheckSide("generate.width",
                                                  side(requested.has_width(), requested.width(),
                                                       defaults.has_width(), defaults.width()),
                                                  base_model));
  ASSIGN_OR_RETURN(const int32_t height, CheckSide("generate.height",
                                                   side(requested.has_height(), requested.height(),
                                                        defaults.has_height(), defaults.height()),
                                                   base_model));
  spec.set_width(width);
  spec.set_height(height);
  spec.set_determinism(Determined(requested.determinism()));

  const std::string placeholder = adapter ? adapter->placeholder() : "";
  WarnOfPrompt("generate.prompt", spec.prompt(), placeholder, adapter != nullptr, surroundings,
               checked.warnings);
  WarnOfPrompt("generate.negative_prompt", spec.negative_prompt(), placeholder, false, surroundings,
               checked.warnings);
  return checked;
}

#undef VICO_CHOOSE

}  // namespace vico::server
