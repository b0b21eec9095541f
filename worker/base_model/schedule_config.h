// Reads the noise schedule and sampling settings from scheduler/scheduler_config.json.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "worker/diffusion/schedule.h"

namespace vico::worker {

/// A setting that a scheduler would follow in diffusers and does not support here. Training does
/// not need it, nor do the other schedulers.
struct UnsupportedField {
  std::string text;                          ///< "source: field: must be ..., found ..."
  std::vector<std::string_view> schedulers;  ///< those that would follow it; empty: all
};

/// The first field that the scheduler would have to follow; nullptr: none.
const UnsupportedField* FirstFollowedBy(const std::vector<UnsupportedField>& fields,
                                        std::string_view scheduler);

struct ScheduleFile {
  ScheduleConfig config;
  std::vector<UnsupportedField> unsupported;  ///< have their defaults in `config`
  std::vector<std::string> warnings;          ///< "source: field: ..." for each ignored field
};

/// `json` is the file's text and `source` its name in messages. kInvalidArgument for settings of
/// the noise schedule and the prediction that are not supported: everything needs them. A warning
/// for an unknown field or class, and for clip_sample, which diffusers' Stable Diffusion pipeline
/// turns off, too. Absent fields have the defaults of diffusers' from_config(), with two
/// differences: the default betas are those of the class that the file names, not of the chosen
/// sampler, and skip_prk_steps is true.
absl::StatusOr<ScheduleFile> ParseScheduleConfig(std::string_view json, std::string_view source);

/// The inverse: JSON that the function above and diffusers read.
std::string ScheduleConfigJson(const ScheduleConfig& config);

}  // namespace vico::worker
