#include "server/checks/spec_check.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "common/field_errors.h"
#include "common/ids.h"
#include "common/status.h"

namespace vico::server {

absl::Status NameMissing(std::string_view field, std::string_view name, absl::Status status) {
  if (!absl::IsNotFound(status)) return status;
  return Error(absl::StatusCode::kNotFound, fmt::format("{}: there is no {}", field, name),
               "NOT_FOUND");
}

namespace {

bool IsServed(const v1::OfferedBaseModel& offered) { return offered.base_model().available(); }

}  // namespace

absl::StatusOr<v1::OfferedBaseModel> SpecCheck::FindBaseModel(std::string_view field,
                                                              std::string_view name) const {
  if (!name.empty()) {
    if (!IsBaseModelName(name)) return FieldError(field, "must be \"baseModels/{id}\"");
    auto found = workers_.GetBaseModel(name);
    if (!found.ok()) return NameMissing(field, name, found.status());
    return found;
  }
  ASSIGN_OR_RETURN(std::vector<v1::OfferedBaseModel> all, workers_.ListBaseModels());
  if (all.empty()) {
    return WithRetryAfter(
        Error(absl::StatusCode::kFailedPrecondition,
              fmt::format("{}: no worker has offered a base model yet", field), "NO_BASE_MODEL"),
        absl::Seconds(5));
  }
  // A base model that nobody serves is not a choice while there are others.
  if (std::ranges::any_of(all, IsServed)) {
    std::erase_if(all, [](const auto& offered) { return !IsServed(offered); });
  }
  if (all.size() > 1) {
    return FieldError(field,
                      fmt::format("must be given, since there are {} base models", all.size()));
  }
  return std::move(all.front());
}

absl::StatusOr<CheckedSpec> SpecCheck::Train(std::string_view tenant,
                                             const v1::TrainSpec& spec) const {
  FieldErrors errors;
  v1::Concept picture_set;
  const absl::Status name =
      IdInName("train.concept_name", "concepts", spec.concept_name()).status();
  errors.Add(name);
  if (name.ok()) {
    auto found = catalog_.GetConcept(tenant, spec.concept_name());
    if (found.ok()) {
      picture_set = *std::move(found);
    } else {
      errors.Add(NameMissing("train.concept_name", spec.concept_name(), found.status()));
    }
  }
  const auto offered = FindBaseModel("train.base_model", spec.base_model());
  errors.Add(offered.status());
  // Without a base model the limits of the other fields are not known.
  RETURN_IF_ERROR(offered.ok() ? absl::OkStatus() : errors.status());
  ASSIGN_OR_RETURN(const auto tokenizer, tokenizers_.Get(*offered));
  absl::StatusOr<CheckedSpec> checked =
      CheckTrainSpec(spec, picture_set, {offered->base_model(), *tokenizer, draw_seed_});
  errors.Add(checked.status());
  RETURN_IF_ERROR(errors.status());
  return checked;
}

absl::StatusOr<CheckedSpec> SpecCheck::Generate(std::string_view tenant,
                                                const v1::GenerateSpec& spec) const {
  std::optional<v1::Adapter> adapter;
  std::string base_model = spec.base_model();
  if (!spec.adapter().empty()) {
    RETURN_IF_ERROR(IdInName("generate.adapter", "adapters", spec.adapter()).status());
    auto found = catalog_.GetAdapter(tenant, spec.adapter());
    if (!found.ok()) return NameMissing("generate.adapter", spec.adapter(), found.status());
    adapter = *std::move(found);
    if (!base_model.empty() && base_model != adapter->base_model()) {
      return FieldError("generate.base_model", fmt::format("must be the adapter's, {}, or left out",
                                                           adapter->base_model()));
    }
    base_model = adapter->base_model();
  }
  ASSIGN_OR_RETURN(const v1::OfferedBaseModel offered,
                   FindBaseModel("generate.base_model", base_model));
  ASSIGN_OR_RETURN(const auto tokenizer, tokenizers_.Get(offered));
  return CheckGenerateSpec(spec, adapter ? &*adapter : nullptr,
                           {offered.base_model(), *tokenizer, draw_seed_});
}

absl::StatusOr<CheckedSpec> SpecCheck::Either(std::string_view tenant,
                                              const v1::JobSpec& spec) const {
  return spec.has_train() ? Train(tenant, spec.train()) : Generate(tenant, spec.generate());
}

}  // namespace vico::server
