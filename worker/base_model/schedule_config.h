// scheduler/scheduler_config.json -> the noise schedule, and what sampling takes from it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <absl/status/statusor.h>

#include "worker/diffusion/schedule.h"

namespace vico::worker {

struct ScheduleFile {
  ScheduleConfig config;
  std::vector<std::string> warnings;  ///< "source: field: ..." of fields that are not followed
};

/// Takes the file's text and the name it has in messages. A field that asks for something no
/// scheduler here does is kInvalidArgument; one that nobody here knows, and clip_sample, which
/// diffusers' Stable Diffusion pipeline turns off too, are warned of. Fields that are absent have
/// the defaults of diffusers' from_config() (two differences: betas, which there can depend on the
/// sampler chosen, are those of the class the file names; skip_prk_steps is true).
absl::StatusOr<ScheduleFile> ParseScheduleConfig(std::string_view json, std::string_view source);

/// The inverse: a JSON text that the function above and diffusers read.
std::string ScheduleConfigJson(const ScheduleConfig& config);

}  // namespace vico::worker
