#include "server/checks/evaluate_spec.h"

#include <array>
#include <string>

#include <absl/strings/match.h>
#include <absl/strings/str_replace.h>
#include <fmt/format.h>

#include "common/field_errors.h"
#include "common/status.h"
#include "server/checks/prompt_warnings.h"
#include "server/checks/spec_defaults.h"
#include "server/checks/words.h"

namespace vico::server {
namespace {

constexpr std::string_view kStandsForPlaceholder = "{placeholder}";

// Of the prompts of DreamBooth (arXiv 2208.12242), with which ViCo's authors measure.
constexpr std::array<std::string_view, 4> kPrompts{
    "a photo of {placeholder}", "a photo of {placeholder} in the jungle",
    "a photo of {placeholder} on top of a wooden floor",
    "a photo of {placeholder} with a city in the background"};

std::string EvaluatePromptField(int index) { return fmt::format("evaluate.prompts[{}]", index); }

std::string WithPlaceholder(std::string_view prompt, std::string_view stands_for,
                            std::string_view placeholder) {
  return absl::StrReplaceAll(absl::string_view(prompt.data(), prompt.size()),
                             {{absl::string_view(stands_for.data(), stands_for.size()),
                               absl::string_view(placeholder.data(), placeholder.size())}});
}

void AddDefaultPrompts(const v1::BaseModel& base_model, const std::string& placeholder,
                       v1::EvaluateSpec& spec) {
  const std::string& own = base_model.training_defaults().placeholder();
  for (const std::string& prompt : base_model.evaluation_defaults().prompts()) {
    const bool is_template = prompt.find(kStandsForPlaceholder) != std::string::npos;
    spec.add_prompts(WithPlaceholder(prompt,
                                     is_template   ? kStandsForPlaceholder
                                     : own.empty() ? std::string_view("S*")
                                                   : std::string_view(own),
                                     placeholder));
  }
  if (!spec.prompts().empty()) return;
  for (const std::string_view prompt : kPrompts) {
    spec.add_prompts(WithPlaceholder(prompt, kStandsForPlaceholder, placeholder));
  }
}

}  // namespace

absl::Status CheckMadeFor(std::string_view field, const v1::Adapter& adapter,
                          const v1::BaseModel& base_model) {
  if (adapter.base_model_digest() == base_model.digest()) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition,
               fmt::format("{}: was made for another base model than the {} on offer", field,
                           base_model.name()),
               "BASE_MODEL_DIFFERS");
}

absl::StatusOr<v1::EvaluateSpec> CompleteEvaluateSpec(const v1::EvaluateSpec& requested,
                                                      const v1::Adapter& adapter,
                                                      const v1::BaseModel& base_model) {
  const v1::EvaluateSpec& defaults = base_model.evaluation_defaults();
  v1::EvaluateSpec spec;
  spec.set_adapter(adapter.name());
  spec.set_base_model(base_model.name());
  *spec.mutable_prompts() = requested.prompts();
  if (spec.prompts().empty()) AddDefaultPrompts(base_model, adapter.placeholder(), spec);
  FieldErrors errors;
  const absl::Status count = CheckBounds(kEvaluatePrompts, spec.prompts_size());
  errors.Add(count);
  for (int i = 0; count.ok() && i < spec.prompts_size(); ++i) {
    errors.Add(CheckPrompt(EvaluatePromptField(i), spec.prompts(i), true));
  }
  VICO_CHOOSE(errors, spec, requested, defaults, picture_count, kEvaluatePictureCount, 2);
  spec.set_seed(requested.has_seed()  ? requested.seed()
                : defaults.has_seed() ? defaults.seed()
                                      : 1);
  RETURN_IF_ERROR(errors.status());
  return spec;
}

absl::StatusOr<CheckedSpec> CheckEvaluateSpec(const v1::EvaluateSpec& requested,
                                              const v1::Adapter& adapter,
                                              const SpecSurroundings& surroundings) {
  RETURN_IF_ERROR(CheckMadeFor("evaluate.adapter", adapter, surroundings.base_model));
  CheckedSpec checked;
  v1::EvaluateSpec& spec = *checked.spec.mutable_evaluate();
  ASSIGN_OR_RETURN(spec, CompleteEvaluateSpec(requested, adapter, surroundings.base_model));
  for (int i = 0; i < spec.prompts_size(); ++i) {
    WarnOfPrompt(EvaluatePromptField(i), spec.prompts(i), adapter.placeholder(), true, surroundings,
                 checked.warnings);
  }
  return checked;
}

}  // namespace vico::server
