// The compared trainings: the base model's defaults, and variants that change one setting.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <absl/status/statusor.h>

#include "vico/v1/job.pb.h"

namespace vico::toyworld {

struct Variant {
  std::string name;
  std::string title;                           ///< for the table
  std::function<void(v1::TrainSpec&)> change;  ///< changes the defaults
  bool embedding_only =
      false;              ///< textual inversion: learns only the word, without image attention
  bool may_lack = false;  ///< left out, with a message, if the worker does not support it
};

/// The first is "default".
const std::vector<Variant>& AllVariants();

/// "all" or comma-separated names; "default" is always the first. kInvalidArgument names an unknown
/// variant.
absl::StatusOr<std::vector<Variant>> VariantsNamed(const std::string& names);

}  // namespace vico::toyworld
