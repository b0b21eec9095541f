// Completes and checks the specs of trainings. Defaults come from the base model, then from the
// paper (ViCo, arXiv 2306.00971).
#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "common/field_errors.h"
#include "common/status.h"
#include "server/checks/prompt_warnings.h"
#include "server/checks/request.h"
#include "server/checks/spec_defaults.h"

namespace vico::server {
namespace {

constexpr int kMaxSites = 16;

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

  const bool evaluates = requested.has_evaluate() ? requested.evaluate() : defaults.evaluate();
  if (evaluates) spec.set_evaluate(true);

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

}  // namespace vico::server
