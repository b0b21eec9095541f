// The trainings that are compared: the base model's own defaults, and one thing changed.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "vico/v1/job.pb.h"

namespace vico::toyworld {

struct Variant {
  std::string name;
  std::string title;                           ///< for people
  std::function<void(v1::TrainSpec&)> change;  ///< of the defaults
  bool embedding_only =
      false;              ///< textual inversion: the word alone is learned, no image attention
  bool may_lack = false;  ///< this worker may not know it; then it is left out and said so
};

/// The first is "default".
const std::vector<Variant>& AllVariants();

/// "all" or names with commas; "default" is always the first. kInvalidArgument names what is
/// unknown.
absl::StatusOr<std::vector<Variant>> VariantsNamed(const std::string& names);

}  // namespace vico::toyworld
