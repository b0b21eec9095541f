#include "server/jobs/job.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "common/status.h"

namespace vico::server {

bool IsTerminal(const v1::Event& event) {
  return event.has_succeeded() || event.has_failed() || event.has_cancelled();
}

v1::JobKind KindOf(const v1::JobSpec& spec) {
  switch (spec.kind_case()) {
    case v1::JobSpec::kTrain:
      return v1::JOB_KIND_TRAINING;
    case v1::JobSpec::kGenerate:
      return v1::JOB_KIND_GENERATION;
    case v1::JobSpec::kEvaluate:
      return v1::JOB_KIND_EVALUATION;
    default:
      return v1::JOB_KIND_UNSPECIFIED;
  }
}

v1::JobKind KindOfResult(const v1::FinishRequest& finish) {
  if (finish.has_trained()) return v1::JOB_KIND_TRAINING;
  if (finish.has_generated()) return v1::JOB_KIND_GENERATION;
  return finish.has_evaluated() ? v1::JOB_KIND_EVALUATION : v1::JOB_KIND_UNSPECIFIED;
}

const std::string& BaseModelOf(const v1::JobSpec& spec) {
  if (spec.has_train()) return spec.train().base_model();
  return spec.has_evaluate() ? spec.evaluate().base_model() : spec.generate().base_model();
}

const std::string& AdapterOf(const v1::JobSpec& spec) {
  if (spec.has_train()) return spec.train().continued_adapter();
  return spec.has_evaluate() ? spec.evaluate().adapter() : spec.generate().adapter();
}

int DevicesOf(const v1::JobSpec& spec) { return std::max(1, spec.train().devices()); }

std::vector<v1::BlobRef> BlobsNamedBy(const v1::Event& event) {
  switch (event.what_case()) {
    case v1::Event::kSample:
      return {event.sample().picture().blob()};
    case v1::Event::kMask:
      return {event.mask().blob()};
    case v1::Event::kPreview:
      return {event.preview().blob()};
    case v1::Event::kPicture:
      return {event.picture().blob()};
    // The blob is absent in events for clients.
    case v1::Event::kCheckpoint:
      if (!event.checkpoint().has_blob()) return {};
      return {event.checkpoint().blob()};
    default:
      return {};
  }
}

std::vector<v1::BlobRef> BlobsNamedBy(const v1::FinishRequest& finish) {
  std::vector<v1::BlobRef> blobs;
  if (finish.has_trained()) {
    blobs = {finish.trained().adapter(), finish.trained().reference()};
  }
  for (const v1::Picture& picture : finish.generated().pictures()) blobs.push_back(picture.blob());
  if (finish.has_evaluated()) blobs.push_back(finish.evaluated().report().sheet());
  return blobs;
}

std::vector<v1::BlobRef> BlobsNamedBy(const v1::TrainingCheckpoints& checkpoints) {
  std::vector<v1::BlobRef> blobs;
  for (const auto& checkpoint : checkpoints.newest_first()) blobs.push_back(checkpoint.blob());
  return blobs;
}

std::string CheckpointUser(std::string_view job) { return fmt::format("{}/checkpoints", job); }

std::string ReportUser(std::string_view adapter) { return fmt::format("{}/report", adapter); }

std::string InitPictureUser(std::string_view job) { return fmt::format("{}/init_picture", job); }
std::string MaskPictureUser(std::string_view job) { return fmt::format("{}/mask_picture", job); }

std::string LeaseUser(std::string_view lease_id) { return fmt::format("leases/{}", lease_id); }

v1::Event::Warning BaseModelUnavailable(std::string_view base_model) {
  v1::Event::Warning warning;
  warning.set_reason("BASE_MODEL_UNAVAILABLE");
  warning.set_message(
      fmt::format("no worker serves {} at the moment; the job waits for one", base_model));
  return warning;
}

v1::Event::Warning NoWorkerWithDevices(std::string_view base_model, int devices) {
  v1::Event::Warning warning;
  warning.set_reason("NO_WORKER_WITH_DEVICES");
  warning.set_message(
      fmt::format("no worker serves {} with {} devices at the moment; the job waits for one",
                  base_model, devices));
  return warning;
}

absl::Status NoConceptPictures(std::string_view adapter) {
  return Error(absl::StatusCode::kFailedPrecondition,
               fmt::format("adapter: the pictures that {} was trained on are not stored", adapter),
               "NO_CONCEPT_PICTURES");
}

absl::Status CheckReported(const v1::Event& event, int index) {
  switch (event.what_case()) {
    case v1::Event::kProgress:
    case v1::Event::kSample:
    case v1::Event::kMask:
    case v1::Event::kPreview:
    case v1::Event::kPicture:
    case v1::Event::kCheckpoint:
    case v1::Event::kWarning:
      return absl::OkStatus();
    case v1::Event::WHAT_NOT_SET:
      return FieldError(fmt::format("events[{}]", index), "must have a kind");
    default:
      return FieldError(fmt::format("events[{}]", index),
                        "is of a kind that only the server creates");
  }
}

absl::Duration RetryDelay(int failures, double random01) {
  if (failures <= 1) return absl::ZeroDuration();
  const double seconds = std::min(10.0 * std::exp2(failures), 600.0);
  return absl::Seconds(seconds * random01);
}

}  // namespace vico::server
