// Turns a requested spec into a complete one: finds the resources that it names, then checks it and
// fills in defaults.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

#include <absl/status/statusor.h>

#include "server/checks/request.h"
#include "server/checks/tokenizer_cache.h"
#include "server/jobs/catalog.h"
#include "server/jobs/find_picture.h"
#include "server/workers/worker_registry.h"

namespace vico::server {

/// Any thread. Errors name the field, also kNotFound for a resource that does not exist.
class SpecCheck {
 public:
  /// Any thread calls `draw_seed`, which returns 64 random bits. The references must outlive it.
  SpecCheck(const PictureSources& pictures, const WorkerRegistry& workers,
            TokenizerCache& tokenizers, std::function<uint64_t()> draw_seed)
      : catalog_(pictures.catalog),
        pictures_(pictures),
        workers_(workers),
        tokenizers_(tokenizers),
        draw_seed_(std::move(draw_seed)) {}

  absl::StatusOr<CheckedSpec> Train(std::string_view tenant, const v1::TrainSpec& spec) const;
  /// `kept` replaces the pictures that the spec names, each as far as it is stored.
  absl::StatusOr<CheckedSpec> Generate(std::string_view tenant, const v1::GenerateSpec& spec,
                                       const JobPictures& kept = {}) const;

  /// kFailedPrecondition, reason NO_CONCEPT_PICTURES, if what the adapter was trained on is gone;
  /// BASE_MODEL_DIFFERS if its base model is.
  absl::StatusOr<CheckedSpec> Evaluate(std::string_view tenant, const v1::EvaluateSpec& spec) const;

  /// The spec of the adapter's training with further steps. kFailedPrecondition with the reasons of
  /// Evaluate(), or IMPORTED_ADAPTER or TRAINING_DELETED.
  absl::StatusOr<CheckedSpec> Continue(std::string_view tenant,
                                       const v1::ContinueTrainingRequest& request) const;

  /// Checks the spec of an earlier job again, of any kind. `kept` are the pictures of that job.
  absl::StatusOr<CheckedSpec> Either(std::string_view tenant, const v1::JobSpec& spec,
                                     const JobPictures& kept = {}) const;

  /// The base model of this name, or the only one if the name is empty. `field` is where the
  /// request has the name.
  absl::StatusOr<v1::OfferedBaseModel> FindBaseModel(std::string_view field,
                                                     std::string_view name) const;

 private:
  absl::StatusOr<CheckedSpec> TrainAgain(std::string_view tenant, const v1::TrainSpec& spec) const;

  absl::StatusOr<v1::BlobRef> FindInput(std::string_view tenant, std::string_view field,
                                        std::string_view name, const v1::BlobRef& kept) const;

  Catalog& catalog_;
  const PictureSources pictures_;
  const WorkerRegistry& workers_;
  TokenizerCache& tokenizers_;
  const std::function<uint64_t()> draw_seed_;
};

/// Replaces a store's kNotFound with one that names `field`; returns other errors unchanged.
absl::Status NameMissing(std::string_view field, std::string_view name, absl::Status status);

}  // namespace vico::server
