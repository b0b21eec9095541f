#include "client/cli/split_prompts.h"

#include <algorithm>

#include "client/output/picture_prompts.h"

namespace vico::client {
namespace {

// Of a job, as the server limits them.
constexpr int kMostJobPrompts = 8;
constexpr int kMostJobPictures = 32;

}  // namespace

std::vector<v1::GenerateSpec> SplitPrompts(const v1::GenerateSpec& spec,
                                           const std::vector<std::string>& prompts) {
  const int per_job = std::clamp(kMostJobPictures / PromptsOf(spec).per_prompt, 1, kMostJobPrompts);
  std::vector<v1::GenerateSpec> specs;
  for (const std::string& prompt : prompts) {
    if (specs.empty() || specs.back().prompts_size() == per_job) specs.push_back(spec);
    specs.back().add_prompts(prompt);
  }
  return specs;
}

}  // namespace vico::client
