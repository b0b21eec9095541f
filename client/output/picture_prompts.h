// Which prompt a picture of a generation is of.
#pragma once

#include <string>
#include <vector>

#include "vico/v1/job.pb.h"

namespace vico::client {

/// Picture i of the job is of prompt i / per_prompt.
struct PicturePrompts {
  std::vector<std::string> prompts;
  int per_prompt = 1;
};

/// Of a spec as it is requested, or as the server has completed it.
PicturePrompts PromptsOf(const v1::GenerateSpec& spec);

}  // namespace vico::client
