// The learned word in a prompt, and what stands for it without an adapter.
#pragma once

#include <string>

namespace vico::worker {

/// The prompt with `word` in each place of the placeholder.
std::string WithWord(std::string prompt, const std::string& placeholder, const std::string& word);

}  // namespace vico::worker
