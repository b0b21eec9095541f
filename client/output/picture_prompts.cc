#include "client/output/picture_prompts.h"

#include <algorithm>

namespace vico::client {

PicturePrompts PromptsOf(const v1::GenerateSpec& spec) {
  const int per_prompt = spec.has_picture_count() ? spec.picture_count() : spec.seeds_size();
  PicturePrompts prompts{{spec.prompts().begin(), spec.prompts().end()}, std::max(1, per_prompt)};
  if (prompts.prompts.empty()) prompts.prompts.push_back(spec.prompt());
  return prompts;
}

}  // namespace vico::client
