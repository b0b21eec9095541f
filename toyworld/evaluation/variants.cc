#include "toyworld/evaluation/variants.h"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>

#include "common/status.h"

namespace vico::toyworld {
namespace {

Variant Steps(int steps) {
  return {.name = fmt::format("steps_{}", steps),
          .title = fmt::format("{} steps", steps),
          .change = [steps](v1::TrainSpec& spec) { spec.set_steps(steps); }};
}

}  // namespace

const std::vector<Variant>& AllVariants() {
  static const std::vector<Variant> kVariants = {
      {.name = "default", .title = "the base's defaults", .change = [](v1::TrainSpec&) {}},
      {.name = "no_mask",
       .title = "without the mask",
       .change = [](v1::TrainSpec& spec) { spec.set_mask(false); }},
      {.name = "no_regularizer",
       .title = "without the regulariser",
       .change = [](v1::TrainSpec& spec) { spec.set_regularizer_weight(0); }},
      {.name = "no_min_snr",
       .title = "all timesteps alike",
       .change = [](v1::TrainSpec& spec) { spec.set_min_snr_gamma(0); }},
      {.name = "constant_rates",
       .title = "learning rates that stay",
       .change =
           [](v1::TrainSpec& spec) {
             spec.set_learning_rate_schedule(v1::LEARNING_RATE_SCHEDULE_CONSTANT);
           }},
      {.name = "random_start",
       .title = "blocks that start at random",
       .change = [](v1::TrainSpec& spec) { spec.set_block_start(v1::BLOCK_START_RANDOM); }},
      {.name = "zero_start",
       .title = "blocks that start as zero",
       .change = [](v1::TrainSpec& spec) { spec.set_block_start(v1::BLOCK_START_ZERO); }},
      {.name = "paper_sites",
       .title = "the paper's sites",
       .change = [](v1::TrainSpec& spec) { spec.clear_sites(); }},
      {.name = "mmagic",
       .title = "mmagic's dialect",
       .change =
           [](v1::TrainSpec& spec) {
             spec.set_dialect(v1::DIALECT_MMAGIC);
             spec.clear_sites();
           },
       .may_lack = true},
      {.name = "embedding_only",
       .title = "the word alone (textual inversion)",
       .change = [](v1::TrainSpec&) {},
       .embedding_only = true},
      Steps(100),
      Steps(200),
      Steps(400),
      Steps(800)};
  return kVariants;
}

absl::StatusOr<std::vector<Variant>> VariantsNamed(const std::string& names) {
  const std::vector<Variant>& all = AllVariants();
  if (names == "all") return all;
  std::vector<Variant> chosen = {all.front()};
  std::istringstream list(names);
  for (std::string name; std::getline(list, name, ',');) {
    if (name == all.front().name) continue;
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Variant& v) { return v.name == name; });
    if (found == all.end()) {
      return FieldError("--variants", fmt::format("there is no variant {}", name));
    }
    chosen.push_back(*found);
  }
  return chosen;
}

}  // namespace vico::toyworld
