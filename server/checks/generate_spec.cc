// Completes and checks the specs of generations. Defaults come from the base model, then from the
// paper (ViCo, arXiv 2306.00971).
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "common/field_errors.h"
#include "common/schedulers.h"
#include "common/status.h"
#include "server/checks/prompt_warnings.h"
#include "server/checks/request.h"
#include "server/checks/spec_defaults.h"

namespace vico::server {
namespace {

constexpr int kMostPictures = 32;  // of a job
constexpr double kDenoise = 0.8;   // of diffusers' StableDiffusionImg2ImgPipeline

std::string PromptField(int index) { return fmt::format("generate.prompts[{}]", index); }

/// Sets `prompt` or `prompts`, as requested.
absl::Status SetPrompts(const v1::GenerateSpec& requested, v1::GenerateSpec& spec) {
  spec.set_prompt(requested.prompt());
  if (requested.prompts().empty()) return CheckPrompt("generate.prompt", spec.prompt(), true);
  FieldErrors errors;
  if (!spec.prompt().empty()) {
    errors.Add("generate.prompt", "must be left out if generate.prompts is set");
  }
  const absl::Status few = CheckBounds(kGeneratePrompts, requested.prompts_size());
  errors.Add(few);
  if (!few.ok()) return errors.status();
  *spec.mutable_prompts() = requested.prompts();
  for (int i = 0; i < spec.prompts_size(); ++i) {
    errors.Add(CheckPrompt(PromptField(i), spec.prompts(i), true));
  }
  return errors.status();
}

/// Of each prompt: as many as there are seeds if only they are requested.
absl::Status SetPictureCount(const v1::GenerateSpec& requested, v1::GenerateSpec& spec) {
  const bool counted_by_seeds = !requested.has_picture_count() && requested.seeds_size() > 1;
  spec.set_picture_count(requested.has_picture_count() ? requested.picture_count()
                         : counted_by_seeds            ? requested.seeds_size()
                                                       : 1);
  RETURN_IF_ERROR(CheckBounds(kPictureCount, spec.picture_count()));
  const int all = spec.picture_count() * spec.prompts_size();
  if (all <= kMostPictures) return absl::OkStatus();
  return FieldError("generate.picture_count",
                    fmt::format("a job makes at most {} pictures, got {} for each of {} prompts",
                                kMostPictures, spec.picture_count(), spec.prompts_size()));
}

/// Sets the pictures to start from, and how much of the way remains. `spec` has its scheduler and
/// steps, unless they are wrong.
absl::Status SetInitPicture(const v1::GenerateSpec& requested, const v1::GenerateSpec& defaults,
                            v1::GenerateSpec& spec) {
  FieldErrors errors;
  spec.set_init_picture(requested.init_picture());
  spec.set_mask_picture(requested.mask_picture());
  if (spec.init_picture().empty()) {
    constexpr std::string_view kAlone = "must be left out without generate.init_picture";
    if (requested.has_denoise()) errors.Add("generate.denoise", kAlone);
    if (!spec.mask_picture().empty()) errors.Add("generate.mask_picture", kAlone);
    return errors.status();
  }
  const double denoise = requested.has_denoise()  ? requested.denoise()
                         : defaults.has_denoise() ? defaults.denoise()
                                                  : kDenoise;
  spec.set_denoise(denoise);
  if (!(denoise > 0 && denoise <= 1)) {
    errors.Add("generate.denoise", fmt::format("must be above 0 and at most 1, got {}", denoise));
  } else if (spec.steps() > 0 && DenoisingSteps(spec.steps(), denoise) == 0) {
    errors.Add("generate.denoise",
               fmt::format("must be at least 1 / generate.steps, so that a step runs; got {} of {} "
                           "steps",
                           denoise, spec.steps()));
  }
  return errors.status();
}

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

/// Sets one seed per picture: the requested ones, or a sequence from one requested or drawn seed.
absl::Status SetSeeds(const v1::GenerateSpec& requested, const SpecSurroundings& surroundings,
                      v1::GenerateSpec& spec) {
  const int count = spec.picture_count();
  if (requested.seeds_size() > 1 && requested.seeds_size() != count) {
    return FieldError("generate.seeds",
                      fmt::format("must be none, one, or one per picture of a prompt ({}), got {}",
                                  count, requested.seeds_size()));
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
  if (!scheduler.takes_init_picture && !spec.init_picture().empty()) {
    errors.Add("generate.init_picture",
               fmt::format("needs another scheduler than {}, which cannot start in the middle",
                           scheduler.name));
  }
  return errors.status();
}

}  // namespace

absl::StatusOr<CheckedSpec> CheckGenerateSpec(const v1::GenerateSpec& requested,
                                              const v1::Adapter* adapter,
                                              const SpecSurroundings& surroundings) {
  const v1::BaseModel& base_model = surroundings.base_model;
  const v1::GenerateSpec& defaults = base_model.generation_defaults();
  CheckedSpec checked;
  v1::GenerateSpec& spec = *checked.spec.mutable_generate();
  spec.set_base_model(base_model.name());
  if (adapter) spec.set_adapter(adapter->name());

  FieldErrors errors;
  errors.Add(SetPrompts(requested, spec));
  errors.Add(CheckPrompt("generate.negative_prompt", requested.negative_prompt(), false));
  spec.set_negative_prompt(requested.negative_prompt());
  const absl::Status count = SetPictureCount(requested, spec);
  errors.Add(count.ok() ? SetSeeds(requested, surroundings, spec) : count);
  if (adapter) {
    VICO_CHOOSE(errors, spec, requested, defaults, strength, kStrength, 1.0);
  } else if (requested.has_strength()) {
    errors.Add("generate.strength", "must be left out without generate.adapter");
  }

  spec.set_scheduler(!requested.scheduler().empty()  ? requested.scheduler()
                     : !defaults.scheduler().empty() ? defaults.scheduler()
                                                     : "ddim");
  const SchedulerInfo* scheduler = FindScheduler(spec.scheduler());
  VICO_CHOOSE(errors, spec, requested, defaults, guidance_scale, kGuidanceScale, 7.5);
  VICO_CHOOSE(errors, spec, requested, defaults, steps, kGenerateSteps, 50);
  VICO_CHOOSE(errors, spec, requested, defaults, eta, kEta, 0.0);
  errors.Add(SetInitPicture(requested, defaults, spec));
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
  if (spec.prompts().empty()) {
    WarnOfPrompt("generate.prompt", spec.prompt(), placeholder, adapter != nullptr, surroundings,
                 checked.warnings);
  }
  for (int i = 0; i < spec.prompts_size(); ++i) {
    WarnOfPrompt(PromptField(i), spec.prompts(i), placeholder, adapter != nullptr, surroundings,
                 checked.warnings);
  }
  WarnOfPrompt("generate.negative_prompt", spec.negative_prompt(), placeholder, false, surroundings,
               checked.warnings);
  return checked;
}

}  // namespace vico::server
