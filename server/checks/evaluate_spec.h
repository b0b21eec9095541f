// Completes and checks the specs of evaluations.
#pragma once

#include <absl/status/status.h>
#include <absl/status/statusor.h>

#include "server/checks/request.h"
#include "vico/v1/adapter.pb.h"
#include "vico/v1/job.pb.h"
#include "vico/v1/model.pb.h"

namespace vico::server {

inline constexpr Bounds kEvaluatePictureCount{"evaluate.picture_count", 1, 4};
inline constexpr Bounds kEvaluatePrompts{"evaluate.prompts", 0, 8};

/// kFailedPrecondition, reason BASE_MODEL_DIFFERS, unless the adapter was made for `base_model`.
/// `field` is where the request names the adapter.
absl::Status CheckMadeFor(std::string_view field, const v1::Adapter& adapter,
                          const v1::BaseModel& base_model);

/// The spec with what it leaves out: prompts, number of pictures and seed from the base model's
/// evaluation_defaults, else four prompts of DreamBooth's, 2 pictures and seed 1. In the base
/// model's prompts "{placeholder}", or else its own placeholder, stands for the adapter's. One
/// error names all wrong fields. `base_model` is the adapter's.
absl::StatusOr<v1::EvaluateSpec> CompleteEvaluateSpec(const v1::EvaluateSpec& requested,
                                                      const v1::Adapter& adapter,
                                                      const v1::BaseModel& base_model);

/// The same with warnings about the prompts. BASE_MODEL_DIFFERS as CheckMadeFor().
absl::StatusOr<CheckedSpec> CheckEvaluateSpec(const v1::EvaluateSpec& requested,
                                              const v1::Adapter& adapter,
                                              const SpecSurroundings& surroundings);

}  // namespace vico::server
