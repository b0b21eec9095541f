// The pictures of a generation, of index 0..number - 1: those of the first prompt, then those of
// the second, with the same seeds.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "vico/v1/job.pb.h"

namespace vico::worker {

/// `spec` is complete, as the server stores it.
inline int PromptCount(const v1::GenerateSpec& spec) { return std::max(1, spec.prompts_size()); }

inline const std::string& PromptAt(const v1::GenerateSpec& spec, int prompt) {
  return spec.prompts().empty() ? spec.prompt() : spec.prompts(prompt);
}

inline int PictureCount(const v1::GenerateSpec& spec) {
  return PromptCount(spec) * spec.seeds_size();
}

inline const std::string& PromptOfPicture(const v1::GenerateSpec& spec, int picture) {
  return PromptAt(spec, picture / spec.seeds_size());
}

inline uint64_t SeedOfPicture(const v1::GenerateSpec& spec, int picture) {
  return spec.seeds(picture % spec.seeds_size());
}

}  // namespace vico::worker
