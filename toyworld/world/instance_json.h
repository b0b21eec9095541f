// A toy's parameters as JSON, which the example concepts carry.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "toyworld/world/world.h"

namespace vico::toyworld {

/// {"class", "colours", "pattern", "pattern_frequency", "pattern_degrees", "pattern_phase",
/// "proportions", "accessory"}, with the names of the catalogue.
nlohmann::ordered_json InstanceToJson(const Instance& instance);

}  // namespace vico::toyworld
