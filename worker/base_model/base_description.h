// vico.json: a base model's name, and the defaults of its jobs.
#pragma once

#include <string>
#include <string_view>

#include <absl/status/statusor.h>

#include "vico/v1/model.pb.h"
#include "worker/model/config.h"

namespace vico::worker {

/// The description without vico.json: an id from the folder's name, the networks' sizes, and the
/// defaults of Stable Diffusion 1.x and the paper. Sides must be multiples of what the networks can
/// halve, from half to twice the trained side.
v1::BaseModel DefaultDescription(std::string_view folder_name, const UNetConfig& unet,
                                 const VaeConfig& vae, const ClipTextConfig& text);

/// Overlays vico.json: {"name", "display_name", "resolution", "training_defaults",
/// "generation_defaults"}, all optional, the last two as proto JSON of TrainSpec and GenerateSpec.
/// kInvalidArgument naming `source` and the key for any other key or a value out of range.
absl::StatusOr<v1::BaseModel> ApplyDescription(v1::BaseModel description, std::string_view json,
                                               std::string_view source);

/// Names the base model. kInvalidArgument for a name that is no id.
absl::Status SetName(std::string_view name, v1::BaseModel& description);

/// The inverse of ApplyDescription.
std::string DescriptionJson(const v1::BaseModel& description);

}  // namespace vico::worker
