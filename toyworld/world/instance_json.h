// A toy's parameters as JSON, by name: how an example concept says what it truly shows.
#pragma once

#include <absl/status/statusor.h>
#include <nlohmann/json_fwd.hpp>

#include "toyworld/world/world.h"

namespace vico::toyworld {

nlohmann::ordered_json InstanceToJson(const Instance& instance);

/// kInvalidArgument names the member that is missing or out of range.
absl::StatusOr<Instance> InstanceFromJson(const nlohmann::ordered_json& json);

}  // namespace vico::toyworld
