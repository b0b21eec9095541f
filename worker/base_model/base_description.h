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

/// What vico.json says about a base model.
struct BaseDescription {
  v1::BaseModel base_model;
  std::string scorer = {};  ///< file of worker/scorer, relative to vico.json; empty: none
};

/// Overlays vico.json: {"name", "display_name", "resolution", "training_defaults",
/// "generation_defaults", "evaluation_defaults", "scorer"}, all optional, the defaults as proto
/// JSON of TrainSpec, GenerateSpec and EvaluateSpec. kInvalidArgument naming `source` and the key
/// for any other key or a value out of range.
absl::StatusOr<BaseDescription> ApplyDescription(v1::BaseModel description, std::string_view json,
                                                 std::string_view source);

/// Names the base model. kInvalidArgument for a name that is no id.
absl::Status SetName(std::string_view name, v1::BaseModel& description);

/// The inverse of ApplyDescription.
std::string DescriptionJson(const BaseDescription& description);

}  // namespace vico::worker
