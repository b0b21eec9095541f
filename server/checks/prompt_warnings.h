// Warnings about prompts that are valid but may not give what their author expects.
#pragma once

#include <string_view>
#include <vector>

#include "server/checks/request.h"

namespace vico::server {

/// Adds PROMPT_TRUNCATED for a prompt that is longer than the text encoder reads, and
/// PROMPT_WITHOUT_PLACEHOLDER for one that should have the placeholder and does not. `field` is the
/// path of the prompt in the request.
void WarnOfPrompt(std::string_view field, std::string_view prompt, std::string_view placeholder,
                  bool expects_placeholder, const SpecSurroundings& surroundings,
                  std::vector<v1::Event::Warning>& warnings);

}  // namespace vico::server
