#include "server/checks/spec_check.h"

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "common/field_errors.h"
#include "common/ids.h"
#include "common/status.h"
#include "server/checks/base_model_fit.h"

namespace vico::server {

absl::Status NameMissing(std::string_view field, std::string_view name, absl::Status status) {
  if (!absl::IsNotFound(status)) return status;
  return Error(absl::StatusCode::kNotFound, fmt::format("{}: there is no {}", field, name),
               "NOT_FOUND");
}

namespace {

bool IsServed(const v1::OfferedBaseModel& offered) { return offered.base_model().available(); }

/// Whether a generation may start from such a picture: not from learned masks, nor from previews,
/// which change while their job runs.
bool CanBeInput(PictureKind kind) {
  return kind == PictureKind::kConceptPicture || kind == PictureKind::kPicture ||
         kind == PictureKind::kSample || kind == PictureKind::kReference ||
         kind == PictureKind::kUploaded;
}

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

/// The picture of this name, for a generation to start from, or `kept` if that is stored; without a
/// digest if `name` is empty.
absl::StatusOr<v1::BlobRef> SpecCheck::FindInput(std::string_view tenant, std::string_view field,
                                                 std::string_view name,
                                                 const v1::BlobRef& kept) const {
  if (name.empty()) return v1::BlobRef();
  if (kept.size_bytes() > 0) return kept;
  const absl::StatusOr<PictureName> parsed = ParsePictureName(name);
  if (!parsed.ok() || !CanBeInput(parsed->kind)) {
    return FieldError(field,
                      "must be concepts/{id}/pictures/{index}, jobs/{id}/pictures/{index}, "
                      "jobs/{id}/samples/{step} or .../{step}/{prompt}, adapters/{id}/reference or "
                      "pictures/{id}");
  }
  const absl::StatusOr<PictureBlob> found = FindPicture(pictures_, tenant, *parsed);
  if (!found.ok()) return NameMissing(field, name, found.status());
  return found->blob;
}

absl::StatusOr<CheckedSpec> SpecCheck::Generate(std::string_view tenant,
                                                const v1::GenerateSpec& spec,
                                                const JobPictures& kept) const {
  std::optional<v1::Adapter> adapter;
  std::string base_model = spec.base_model();
  if (!spec.adapter().empty()) {
    RETURN_IF_ERROR(IdInName("generate.adapter", "adapters", spec.adapter()).status());
    auto found = catalog_.GetAdapter(tenant, spec.adapter());
    if (!found.ok()) return NameMissing("generate.adapter", spec.adapter(), found.status());
    adapter = *std::move(found);
    if (base_model.empty()) base_model = adapter->base_model();
  }
  ASSIGN_OR_RETURN(const v1::OfferedBaseModel offered,
                   FindBaseModel("generate.base_model", base_model));
  ASSIGN_OR_RETURN(const auto tokenizer, tokenizers_.Get(offered));
  std::optional<v1::Event::Warning> other_base;
  if (adapter && adapter->base_model_digest() != offered.base_model().digest()) {
    ASSIGN_OR_RETURN(const std::vector<v1::OfferedBaseModel> known, workers_.ListBaseModels());
    ASSIGN_OR_RETURN(other_base, FitOfBaseModel(*adapter, offered.base_model(), known));
  }
  FieldErrors errors;
  const auto init = FindInput(tenant, "generate.init_picture", spec.init_picture(), kept.init);
  const auto mask = FindInput(tenant, "generate.mask_picture", spec.mask_picture(), kept.mask);
  errors.Add(init.status());
  errors.Add(mask.status());
  absl::StatusOr<CheckedSpec> checked = CheckGenerateSpec(
      spec, adapter ? &*adapter : nullptr, {offered.base_model(), *tokenizer, draw_seed_});
  errors.Add(checked.status());
  RETURN_IF_ERROR(errors.status());
  checked->pictures = {*init, *mask};
  if (other_base) checked->warnings.push_back(*std::move(other_base));
  return checked;
}

absl::StatusOr<CheckedSpec> SpecCheck::Either(std::string_view tenant, const v1::JobSpec& spec,
                                              const JobPictures& kept) const {
  if (spec.has_train()) return TrainAgain(tenant, spec.train());
  return spec.has_evaluate() ? Evaluate(tenant, spec.evaluate())
                             : Generate(tenant, spec.generate(), kept);
}

}  // namespace vico::server
