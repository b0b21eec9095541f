#include "server/resources/input_blobs.h"

#include <fmt/format.h>

#include "common/status.h"
#include "server/jobs/job.h"
#include "server/resources/lost_blob.h"

namespace vico::server {
namespace {

/// The pictures that the adapter was trained on.
absl::Status FillConceptOf(Catalog& catalog, std::string_view tenant, const std::string& adapter,
                           v1::LeasedJob& job) {
  ASSIGN_OR_RETURN(const std::string name, catalog.ConceptOf(tenant, adapter));
  const absl::StatusOr<v1::Concept> picture_set = catalog.GetConcept(tenant, name);
  if (absl::IsNotFound(picture_set.status())) return NoConceptPictures(adapter);
  RETURN_IF_ERROR(picture_set.status());
  *job.mutable_pictures() = picture_set->pictures();
  return absl::OkStatus();
}

/// Whose pictures the job has, for errors.
std::string ConceptIn(const v1::JobSpec& spec) {
  return spec.has_train() ? spec.train().concept_name()
                          : fmt::format("the concept of {}", spec.evaluate().adapter());
}

}  // namespace

absl::Status FillInputs(Catalog& catalog, std::string_view tenant, const v1::JobSpec& spec,
                        v1::LeasedJob& job) {
  *job.mutable_spec() = spec;
  if (spec.has_train()) {
    ASSIGN_OR_RETURN(const v1::Concept picture_set,
                     catalog.GetConcept(tenant, spec.train().concept_name()));
    *job.mutable_pictures() = picture_set.pictures();
  } else if (spec.has_evaluate()) {
    RETURN_IF_ERROR(FillConceptOf(catalog, tenant, spec.evaluate().adapter(), job));
  }
  if (!AdapterOf(spec).empty()) {
    ASSIGN_OR_RETURN(*job.mutable_adapter(), catalog.GetAdapter(tenant, AdapterOf(spec)));
  }
  return absl::OkStatus();
}

void SetPictures(const JobPictures& pictures, v1::LeasedJob& job) {
  if (!pictures.init.sha256().empty()) *job.mutable_init_picture() = pictures.init;
  if (!pictures.mask.sha256().empty()) *job.mutable_mask_picture() = pictures.mask;
}

std::vector<InputBlob> InputBlobsOf(const v1::LeasedJob& job) {
  std::vector<InputBlob> inputs;
  if (job.has_adapter()) {
    const v1::Adapter& adapter = job.adapter();
    inputs.push_back({.blob = adapter.blob(), .what = adapter.name(), .repair = kImportAgain});
    inputs.push_back({.blob = adapter.reference(),
                      .what = fmt::format("{}, reference", adapter.name()),
                      .repair = kImportAgain});
  }
  for (int i = 0; i < job.pictures_size(); ++i) {
    inputs.push_back({.blob = job.pictures(i).blob(),
                      .what = fmt::format("{}, pictures[{}]", ConceptIn(job.spec()), i),
                      .repair = kUploadAgain});
  }
  const v1::GenerateSpec& generate = job.spec().generate();
  if (job.has_init_picture()) {
    inputs.push_back({.blob = job.init_picture(),
                      .what = fmt::format("generate.init_picture, {}", generate.init_picture()),
                      .repair = kOtherPicture});
  }
  if (job.has_mask_picture()) {
    inputs.push_back({.blob = job.mask_picture(),
                      .what = fmt::format("generate.mask_picture, {}", generate.mask_picture()),
                      .repair = kOtherPicture});
  }
  for (const auto& checkpoint : job.checkpoints().newest_first()) {
    inputs.push_back(
        {.blob = checkpoint.blob(),
         .what = fmt::format("{}, checkpoint at step {}", job.job(), checkpoint.step()),
         .repair = "the job begins earlier",
         .optional = true});
  }
  return inputs;
}

absl::Status CheckInputBlobs(BlobStore& blobs, std::string_view tenant, const v1::LeasedJob& job) {
  for (const InputBlob& input : InputBlobsOf(job)) {
    if (input.optional || input.blob.sha256().empty()) continue;
    if (const absl::Status status = CheckBlob(blobs, tenant, input.blob); !status.ok()) {
      return NameLost(status, input.what, input.repair);
    }
  }
  return absl::OkStatus();
}

}  // namespace vico::server
