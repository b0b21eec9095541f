// Reads the noise schedule and sampling settings from scheduler/scheduler_config.json.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "worker/diffusion/schedule.h"

namespace vico::worker {

struct ScheduleFile {
  ScheduleConfig config;
  std::vector<std::string> warnings;  ///< "source: field: ..." for each ignored field
};

/// `json` is the file's text and `source` its name in messages. kInvalidArgument for a setting that
/// no scheduler here supports. A warning for an unknown field, and for clip_sample, which
/// diffusers' Stable Diffusion pipeline turns off, too. Absent fields have the defaults of
/// diffusers' from_config(), with two differences: the default betas are those of the class that
/// the file names, not of the chosen sampler, and skip_prk_steps is true.
absl::StatusOr<ScheduleFile> ParseScheduleConfig(std::string_view json, std::string_view source);

/// The inverse: JSON that the function above and diffusers read.
std::string ScheduleConfigJson(const ScheduleConfig& config);

}  // namespace vico::worker
