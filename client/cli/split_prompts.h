// Divides prompts among generation jobs.
#pragma once

#include <string>
#include <vector>

#include "vico/v1/job.pb.h"

namespace vico::client {

/// Specs like `spec`, in the order of `prompts`: each has as many of them as a job may have, at
/// most 8 prompts and 32 pictures.
std::vector<v1::GenerateSpec> SplitPrompts(const v1::GenerateSpec& spec,
                                           const std::vector<std::string>& prompts);

}  // namespace vico::client
