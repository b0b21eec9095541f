// The specs of jobs that begin with what an adapter was trained on: evaluations, and trainings that
// continue one.
#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "common/field_errors.h"
#include "common/ids.h"
#include "common/status.h"
#include "server/checks/evaluate_spec.h"
#include "server/checks/spec_check.h"
#include "server/jobs/job.h"

namespace vico::server {
namespace {

absl::StatusOr<v1::Adapter> FindAdapter(Catalog& catalog, std::string_view tenant,
                                        std::string_view field, const std::string& name) {
  RETURN_IF_ERROR(IdInName(field, "adapters", name).status());
  auto found = catalog.GetAdapter(tenant, name);
  if (!found.ok()) return NameMissing(field, name, found.status());
  return found;
}

/// The training that made the adapter, which must still be there.
absl::StatusOr<v1::TrainSpec> TrainingOf(JobStore& jobs, std::string_view tenant,
                                         const v1::Adapter& adapter) {
  if (adapter.job().empty()) {
    return Error(absl::StatusCode::kFailedPrecondition,
                 fmt::format("adapter: {} was imported, and only the result of a training of this "
                             "server can be continued",
                             adapter.name()),
                 "IMPORTED_ADAPTER");
  }
  const absl::StatusOr<v1::Job> training = jobs.Get(tenant, adapter.job());
  if (absl::IsNotFound(training.status())) {
    return Error(absl::StatusCode::kFailedPrecondition,
                 fmt::format("adapter: {}, the training of {}, has been deleted, so its spec is "
                             "not known",
                             adapter.job(), adapter.name()),
                 "TRAINING_DELETED");
  }
  RETURN_IF_ERROR(training.status());
  return training->spec().train();
}

/// Sets the number of all steps, and where they begin.
absl::Status SetSteps(const v1::Adapter& adapter, int further, v1::TrainSpec& spec) {
  const auto most = static_cast<int64_t>(kTrainSteps.max);
  const int64_t done = std::clamp<int64_t>(adapter.summary().steps(), 0, most);
  RETURN_IF_ERROR(CheckBounds({"steps", kTrainSteps.min, kTrainSteps.max}, further));
  if (done + further > most) {
    return FieldError(
        "steps", fmt::format("must be at most {}, since {} has {} of {} steps, got {}", most - done,
                             adapter.name(), done, most, further));
  }
  spec.set_continued_adapter(adapter.name());
  spec.set_continued_steps(static_cast<int32_t>(done));
  spec.set_steps(static_cast<int32_t>(done) + further);
  return absl::OkStatus();
}

/// A schedule depends on the number of all steps, so the first ones had other rates.
void WarnOfSchedule(const v1::TrainSpec& spec, std::vector<v1::Event::Warning>& warnings) {
  if (spec.learning_rate_schedule() == v1::LEARNING_RATE_SCHEDULE_CONSTANT) return;
  warnings.push_back(WarningOf(
      "CONTINUES_WITH_OTHER_SCHEDULE",
      fmt::format("the learning rates of the first {} steps were those of a shorter training, so "
                  "the result differs from one training of {} steps",
                  spec.continued_steps(), spec.steps())));
}

}  // namespace

absl::StatusOr<CheckedSpec> SpecCheck::Evaluate(std::string_view tenant,
                                                const v1::EvaluateSpec& spec) const {
  ASSIGN_OR_RETURN(const v1::Adapter adapter,
                   FindAdapter(catalog_, tenant, "evaluate.adapter", spec.adapter()));
  ASSIGN_OR_RETURN(const std::string concept_name, catalog_.ConceptOf(tenant, adapter.name()));
  const absl::Status pictures = catalog_.GetConcept(tenant, concept_name).status();
  if (absl::IsNotFound(pictures)) return NoConceptPictures(adapter.name());
  RETURN_IF_ERROR(pictures);
  ASSIGN_OR_RETURN(const v1::OfferedBaseModel offered,
                   FindBaseModel("evaluate.adapter", adapter.base_model()));
  ASSIGN_OR_RETURN(const auto tokenizer, tokenizers_.Get(offered));
  return CheckEvaluateSpec(spec, adapter, {offered.base_model(), *tokenizer, draw_seed_});
}

absl::StatusOr<CheckedSpec> SpecCheck::Continue(std::string_view tenant,
                                                const v1::ContinueTrainingRequest& request) const {
  FieldErrors errors;
  const auto adapter = FindAdapter(catalog_, tenant, "adapter", request.adapter());
  errors.Add(adapter.status());
  errors.Add(CheckBounds({"steps", kTrainSteps.min, kTrainSteps.max}, request.steps()));
  RETURN_IF_ERROR(errors.status());
  ASSIGN_OR_RETURN(v1::TrainSpec spec, TrainingOf(pictures_.jobs, tenant, *adapter));
  RETURN_IF_ERROR(SetSteps(*adapter, request.steps(), spec));
  const absl::Status pictures = catalog_.GetConcept(tenant, spec.concept_name()).status();
  if (absl::IsNotFound(pictures)) return NoConceptPictures(adapter->name());
  RETURN_IF_ERROR(pictures);
  ASSIGN_OR_RETURN(const v1::OfferedBaseModel offered,
                   FindBaseModel("adapter", adapter->base_model()));
  RETURN_IF_ERROR(CheckMadeFor("adapter", *adapter, offered.base_model()));
  return TrainAgain(tenant, spec);
}

absl::StatusOr<CheckedSpec> SpecCheck::TrainAgain(std::string_view tenant,
                                                  const v1::TrainSpec& spec) const {
  ASSIGN_OR_RETURN(CheckedSpec checked, Train(tenant, spec));
  if (spec.continued_adapter().empty()) return checked;
  v1::TrainSpec& again = *checked.spec.mutable_train();
  again.set_continued_adapter(spec.continued_adapter());
  again.set_continued_steps(spec.continued_steps());
  WarnOfSchedule(again, checked.warnings);
  return checked;
}

}  // namespace vico::server
