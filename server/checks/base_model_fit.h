// Whether an adapter works with a base model.
#pragma once

#include <optional>
#include <span>

#include <absl/status/statusor.h>

#include "vico/v1/adapter.pb.h"
#include "vico/v1/job.pb.h"
#include "vico/v1/model.pb.h"
#include "vico/v1/worker.pb.h"

namespace vico::server {

/// None when `base_model` is what the adapter was trained on: the digests are equal. The warning
/// OTHER_BASE_MODEL when it has another name and its networks have the same sizes: the shape
/// digests are known and equal. `known` are the base models of the server, among which that of the
/// adapter is looked for by its digest. Otherwise kFailedPrecondition, reason BASE_MODEL_DIFFERS.
absl::StatusOr<std::optional<v1::Event::Warning>> FitOfBaseModel(
    const v1::Adapter& adapter, const v1::BaseModel& base_model,
    std::span<const v1::OfferedBaseModel> known);

}  // namespace vico::server
